"""Recipes with stages: what each stage's settings are, what they are called, what comes before them."""

from __future__ import annotations

from pathlib import Path

import pytest

import vaezoo
from vaezoo.errors import BackendUnavailable, ConfigError, UnknownName
from vaezoo.host.manager import current_zoo
from vaezoo.train.recipe import find_recipe, load_recipe, load_stage, load_stages, recipe_hash, recipe_names

CHAIN = """\
model: toy
data: {sets: [mnist], augment: true}
steps: 10
optimizer: {lr: 1e-2, warmup: 5}
stages:
  first:
  longer: {steps: 20, optimizer: {lr: 1e-3}}
  last: {data: {sets: [fashion-mnist]}, epochs: 2, steps: 0}
"""


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recipes ``chain.yaml``, and ``after.yaml``, which goes on from its second stage."""
    monkeypatch.chdir(tmp_path)
    Path("after.yaml").write_text("model: toy\nafter: chain.yaml/longer\ndata: {sets: [mnist]}\nsteps: 3\n")
    Path("chain.yaml").write_text(CHAIN)
    return tmp_path


def test_a_stage_states_what_it_changes_of_the_settings_above_all_of_them(chain: Path) -> None:
    first, longer, last = (stage.settings for stage in load_stages("chain.yaml"))
    assert (first.steps, longer.steps, last.steps, last.epochs) == (10, 20, 0, 2.0)
    assert (first.optimizer.lr, longer.optimizer.lr, last.optimizer.lr) == (1e-2, 1e-3, 1e-2)
    assert longer.optimizer.warmup == 5 and last.data.sets == ["fashion-mnist"] and last.data.augment
    assert load_recipe("chain.yaml") == first and load_recipe("chain.yaml", stage="last") == last


def test_what_a_stage_starts_from_is_named_by_its_recipe_and_stage(chain: Path) -> None:
    stages = load_stages("chain.yaml")
    assert [stage.place for stage in stages] == ["first", "longer", "last"]
    assert [stage.follows for stage in stages] == [False, True, True]
    assert [stage.settings.warm_start for stage in stages] == [
        "", "runs/chain/ema.safetensors", "runs/chain-longer/ema.safetensors",
    ]  # fmt: skip
    assert recipe_hash(stages[1].settings) != recipe_hash(load_recipe("chain.yaml", ["warm_start=x"], "longer"))


def test_another_recipes_stages_come_before(chain: Path) -> None:
    stages = load_stages("after.yaml", ["batch=4"])
    assert [stage.place for stage in stages] == ["chain.yaml/first", "chain.yaml/longer", ""]
    assert stages[-1].settings.warm_start == "runs/chain-longer/ema.safetensors" and stages[-1].follows
    assert {stage.settings.batch for stage in stages} == {4}
    (alone,) = load_stages("after.yaml", ["warm_start=mine.safetensors"])
    assert alone.settings.warm_start == "mine.safetensors" and not alone.follows


def test_weights_of_the_command_line_are_for_the_first_stage(chain: Path) -> None:
    starts = [stage.settings.warm_start for stage in load_stages("chain.yaml", ["warm_start=vae"])]
    assert starts == ["vae", "runs/chain/ema.safetensors", "runs/chain-longer/ema.safetensors"]


def test_one_stage_and_the_one_before_it(chain: Path) -> None:
    stage, before = load_stage("chain.yaml", "longer", ["seed=3"])
    assert (stage.place, stage.settings.seed) == ("longer", 3) and before is not None and before.place == "first"
    stage, before = load_stage("chain.yaml", "longer", ["warm_start=vae"])
    assert (stage.settings.warm_start, stage.settings.steps, before) == ("vae", 20, None)
    assert load_stage("chain.yaml", "first")[1] is None
    stage, before = load_stage("dejpeg", "denoise/deep")
    assert stage.settings.grow and before is not None and before.place == "denoise/finetune"
    with pytest.raises(UnknownName, match=r"'chain.yaml' has no stage 'lnger'. Did you mean 'longer'"):
        load_stage("chain.yaml", "lnger")
    with pytest.raises(UnknownName, match=r"'chain' has no stage 'lnger'. Did you mean 'longer'"):
        load_recipe("chain.yaml", stage="lnger")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stages: [first]", "stages should be a mapping of names to settings"),
        ("stages: {}", "stages should be a mapping of names to settings"),
        ("stages: {First: {}}", "name should be lower case words joined by hyphens, not 'First'"),
        ("stages: {first: 3}", "the stage 'first' should hold keys and values, not 3"),
        ("stages: {a: {}, b: {warm_start: vae}}", "'b' starts from the one before it, but names warm_start"),
        ("stages: {a: {step: 3}}", r"no key 'step' \(chain.yaml, stage a\). Did you mean 'steps'"),
        ("after: [denoise]", "after should be a recipe, or RECIPE/STAGE"),
        ("after: denoise/deep\nwarm_start: denoise.open", "after should be .* in a file without warm_start"),
        ("after: denoise/deep\nstages: {a: {warm_start: x}}", "'a' starts from the one before it"),
        ("after: chain.yaml", "recipes come before each other: chain.yaml after chain.yaml"),
    ],
)
def test_a_file_whose_stages_make_no_sense(chain: Path, content: str, message: str) -> None:
    Path("chain.yaml").write_text(f"model: toy\ndata: {{sets: [mnist]}}\nsteps: 3\n{content}\n")
    with pytest.raises(ConfigError, match=message):
        load_stages("chain.yaml")


@pytest.mark.parametrize(
    ("old", "recipe", "stage"),
    [
        ("denoise-small-sharper-joint", "denoise-small", "sharper-joint"),
        ("denoise-grain", "denoise", "grain"),
        ("iwae50-dynamic-mnist-longer", "iwae50-dynamic-mnist", "longer"),
        ("sr-fast-photo-joint", "sr-fast-photo", "joint"),
    ],
)
def test_the_name_of_what_is_a_stage_today_is_refused_with_recipe_and_stage(old: str, recipe: str, stage: str) -> None:
    with pytest.raises(UnknownName, match=f"{recipe}, stage {stage}. .*vaezoo train {recipe} --stage {stage}"):
        load_recipe(old)
    assert load_recipe(recipe, stage=stage).model


@pytest.mark.parametrize("name", [name for name in recipe_names() if find_recipe(name).parent.name == "recipes"])
def test_every_recipe_that_ships_can_begin(name: str) -> None:
    first = load_stages(name, ["data=mine"] if name == "denoise-self" else [])[0].settings
    if first.warm_start:
        arch, _, tag = first.warm_start.partition(".")
        assert tag in current_zoo().registry.cards_of(arch)


def test_a_recipe_in_a_package_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "acme_recipes"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "two.yaml").write_text(CHAIN)
    (tmp_path / "acme_exits.py").write_text("raise SystemExit(9)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    vaezoo.register_recipe("acme-two", "acme_recipes:two.yaml")
    assert "acme-two" in recipe_names() and find_recipe("acme-two") == package / "two.yaml"
    assert load_stages("acme-two")[1].settings.warm_start == "runs/two/ema.safetensors"
    for target, kind, message in (
        ("acme_recipes:gone.yaml", BackendUnavailable, "there is no such file"),
        ("no_such_package:a.yaml", BackendUnavailable, "needs the package 'no_such_package'"),
        ("acme_exits:a.yaml", vaezoo.errors.PluginError, r"it called exit\(9\)"),
        ("acme_recipes:../a.yaml", ConfigError, "as package:path, not 'acme_recipes:../a.yaml'"),
        ("acme_recipes", ConfigError, "as package:path, not 'acme_recipes'"),
    ):
        vaezoo.register_recipe("acme-bad", target)
        with pytest.raises(kind, match=message):
            find_recipe("acme-bad")
    for name in ("acme-two", "acme-bad"):
        current_zoo().registry.kinds["recipe"].entries.pop(name)
