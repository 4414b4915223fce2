"""``vaezoo train`` from a recipe file to weights."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from vaezoo.cli.train import train

from . import toy

RECIPE = """
model: toy
data: {{sets: [{pictures}], valid: [{pictures}], patch: 8, gray: true, sigma: [0, 25], augment: true}}
steps: 6
batch: 4
valid_every: 3
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(import_module("vaezoo.zoo.create"), "create_objective", lambda name, **_: toy.objective())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    Image.fromarray(np.random.default_rng(0).integers(256, size=(16, 20, 3), dtype=np.uint8)).save(
        tmp_path / "pictures/a.png"
    )
    file = tmp_path / "mine.yaml"
    file.write_text(RECIPE.format(pictures=tmp_path / "pictures"))
    return file


def test_it_prints_where_the_weights_are_and_goes_on(recipe: Path) -> None:
    result = CliRunner().invoke(train, [str(recipe), "--minutes", "0"], catch_exceptions=False)
    assert (
        "1 of 6 steps done. Weights: runs/mine/ema.safetensors\nThe same command continues from here." in result.stdout
    )
    result = CliRunner().invoke(train, [str(recipe), "machine.log_every=2", "--json"], catch_exceptions=False)
    answer = json.loads(result.stdout)
    assert answer["steps"] == answer["total_steps"] == 6 and Path(answer["weights"]).is_file()
    events = [json.loads(line)["event"] for line in Path("runs/mine/log.jsonl").read_text().splitlines()]
    assert events == ["begin", "train", "begin", "train", "valid", "train", "train", "valid"]


def test_smoke_is_a_run_of_its_own(recipe: Path) -> None:
    result = CliRunner().invoke(train, [str(recipe), "--smoke"], catch_exceptions=False)
    assert "10 of 10 steps done. Weights: runs/mine-smoke/ema.safetensors" in result.stdout


def test_reading_a_recipe_and_the_verb_loads_no_torch() -> None:
    code = """
import sys, vaezoo.cli.train
assert "omegaconf" not in sys.modules
import vaezoo.train.recipe
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
