"""Stages one after the other, from the command line: a chain that is stopped anywhere ends as one that is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import load_file

from vaezoo.cli.train import train
from vaezoo.errors import CheckpointError, ConfigError
from vaezoo.train import chain as chains
from vaezoo.train.chain import train_stages
from vaezoo.train.recipe import load_stages, recipe_hash

BASE = "model: mlp-seed\ndata: {sets: [pictures], gray: true}\nbatch: 4\noptimizer: {lr: 1e-3, warmup: 0}\n"
RECIPE = BASE + "stages: {first: {steps: 4}, longer: {steps: 3, optimizer: {lr: 3e-4}}, last: {steps: 2}}\n"
STAGES = ("first", "longer", "last")


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    random = np.random.default_rng(0)
    for index in range(8):
        Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(f"pictures/{index}.png")
    Path("mine.yaml").write_text(RECIPE)
    return "mine.yaml"


def run(*words: str) -> Result:
    return CliRunner().invoke(train, list(words), catch_exceptions=False)


def same(one: str, other: str) -> bool:
    tensors, others = (load_file(Path(folder) / "ema.safetensors") for folder in (one, other))
    return all(tensors[name].equal(others[name]) for name in tensors)


def test_a_chain_runs_its_stages_each_from_the_one_before(recipe: str) -> None:
    out = run(recipe).stdout
    assert out.splitlines() == [
        f"Stage {name}: {steps} of {steps} steps done. Weights: runs/mine/{name}/ema.safetensors"
        for name, steps in zip(STAGES, (4, 3, 2), strict=True)
    ]
    records = {name: json.loads(Path(f"runs/mine/{name}/run.json").read_text()) for name in STAGES}
    for stage in load_stages(recipe):
        assert records[stage.place]["recipe_sha256"] == recipe_hash(stage.settings)
    run(recipe, "--stage", "longer", "warm_start=runs/mine/first/ema.safetensors", "--out", "alone")
    assert same("alone/longer", "runs/mine/longer")
    started = json.loads(Path("alone/longer/run.json").read_text())["warm_start_sha256"]
    assert started == records["longer"]["warm_start_sha256"] and not records["first"]["warm_start_sha256"]
    answer = json.loads(run(recipe, "--json").stdout)
    assert answer["steps"] == 2 and list(answer["stages"]) == list(STAGES)


def test_a_chain_that_is_stopped_in_every_stage_ends_as_one_that_is_not(recipe: str) -> None:
    run(recipe, "--out", "whole")
    stops = 0
    while "continues from here" in run(recipe, "--minutes", "0").stdout:
        stops += 1
        assert stops < 20
    assert stops == 6  # a call does one step, and one of the next stage where it ends one
    assert all(same(f"whole/{name}", f"runs/mine/{name}") for name in STAGES)


def test_a_chain_that_is_killed_between_stages_leaves_what_is_done_as_it_is(
    recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, real = list[str](), chains.train

    def dies(settings, folder, **options):  # type: ignore[no-untyped-def]
        begun.append(folder.name)
        if begun == ["first", "longer"]:
            raise KeyboardInterrupt
        return real(settings, folder, **options)

    monkeypatch.setattr(chains, "train", dies)
    with pytest.raises(KeyboardInterrupt):
        train_stages(load_stages(recipe), Path("out"))
    content = Path("out/first/checkpoint.safetensors").read_bytes()
    ended = train_stages(load_stages(recipe), Path("out"))
    assert begun == ["first", "longer", "longer", "last"] and [one.steps for one in ended] == [4, 3, 2]
    assert Path("out/first/checkpoint.safetensors").read_bytes() == content
    assert train_stages(load_stages(recipe), Path("out"), resume=False)[0].steps == 4
    assert begun[-3:] == list(STAGES)


def test_a_stage_alone_needs_the_one_before_it(recipe: str) -> None:
    with pytest.raises(ConfigError, match=r"'longer' starts from the stage 'first', which is not done in runs/mine.*"):
        run(recipe, "--stage", "longer")
    run(recipe, "--stage", "first", "--minutes", "0")
    with pytest.raises(ConfigError, match=r"not done in runs/mine. Leave --stage out .* warm_start=FILE"):
        run(recipe, "--stage", "longer")
    run(recipe, "--stage", "first")
    assert "Stage longer: 3 of 3" in run(recipe, "--stage", "longer", "optimizer.lr=1e-4").stdout
    assert not Path("runs/mine/last").exists()


def test_a_stage_that_started_from_other_weights_is_not_taken_up(recipe: str) -> None:
    run(recipe)
    weights = Path("runs/mine/first/ema.safetensors")
    record = weights.with_name("run.json")
    kept, known = weights.read_bytes(), record.read_text()
    weights.write_bytes(Path("runs/mine/last/ema.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match=r"is not as its run saved it\. Run --stage first again"):
        run(recipe, "--stage", "longer")
    told = {key: value for key, value in json.loads(known).items() if key != "weights_sha256"}
    record.write_text(json.dumps(told))  # as of another run
    for words in ((), ("--stage", "longer")):
        with pytest.raises(CheckpointError, match=r"runs/mine/longer did not start from .*runs/mine/first/"):
            run(recipe, *words)
    weights.write_bytes(kept)
    record.write_text(known)
    assert "Stage last: 2 of 2" in run(recipe).stdout


def test_other_settings_in_a_stage_that_is_done_are_refused(recipe: str) -> None:
    run(recipe)
    with pytest.raises(CheckpointError, match="another configuration: steps"):
        run(recipe, "steps=5")


def test_smoke_runs_every_stage_and_those_of_other_recipes(recipe: str) -> None:
    Path("other.yaml").write_text(BASE + "after: mine.yaml/longer\nsteps: 500\nonly: [decoder]\n")
    lines = run("other.yaml", "--smoke").stdout.splitlines()
    assert lines == [
        "Stage mine.yaml/first: 10 of 10 steps done. Weights: runs/other-smoke/mine.yaml/first/ema.safetensors",
        "Stage mine.yaml/longer: 10 of 10 steps done. Weights: runs/other-smoke/mine.yaml/longer/ema.safetensors",
        "10 of 10 steps done. Weights: runs/other-smoke/ema.safetensors",
    ]
    first, last = (load_file(f"runs/other-smoke/{place}ema.safetensors") for place in ("mine.yaml/longer/", ""))
    assert all(
        first[name].equal(last[name]) for name in first if name.startswith("encoder.")
    )  # of which nothing trains
    assert "Stage mine.yaml/first" in run("other.yaml", "--smoke").stdout  # again, from the beginning


def test_a_sweep_runs_the_whole_chain_for_each_choice(recipe: str) -> None:
    answers = json.loads(run(recipe, "--sweep", "seed=0,1", "--json").stdout)
    assert [answer["choice"] for answer in answers] == [["seed=0"], ["seed=1"]]
    assert all(Path(f"runs/mine/seed={seed}/last/ema.safetensors").is_file() for seed in (0, 1))
    assert not same("runs/mine/seed=0/last", "runs/mine/seed=1/last")


def test_a_recipe_of_a_strangers_plugin_is_trained_by_its_name(recipe: str, tmp_path: Path) -> None:
    package = tmp_path / "lab" / "acme_lab"
    (package / "recipes").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "registry.yaml").write_text("recipes:\n  acme-tiny: {target: 'acme_lab:recipes/tiny.yaml'}\n")
    (package / "recipes" / "tiny.yaml").write_text(RECIPE)
    Path("own.yaml").write_text(BASE + "after: acme-tiny/longer\nsteps: 2\n")
    path = os.pathsep.join([str(tmp_path / "lab"), os.environ.get("VAEZOO_PLUGIN_PATH", "")]).rstrip(os.pathsep)

    def vaezoo(*words: str) -> str:
        command = [sys.executable, "-m", "vaezoo", *words]
        environment = {**os.environ, "VAEZOO_PLUGIN_PATH": path}
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout

    assert "Stage last: 2 of 2" in vaezoo("train", "acme-tiny")
    assert Path("runs/acme-tiny/last/model").is_dir()
    assert "Stage acme-tiny/longer: 3 of 3" in vaezoo("train", "own.yaml")
    assert "acme-tiny" in vaezoo("list", "--kind", "recipes")
