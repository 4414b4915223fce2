"""A sweep is every choice once, each in its folder, and a table at the end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vaezoo.cli.train import train
from vaezoo.errors import ConfigError
from vaezoo.train.sweep import choices, folder_name, table

from .test_command import recipe  # noqa: F401


def test_every_choice_comes_once_and_lists_stay_whole() -> None:
    assert choices(()) == [()]
    assert choices(["a=1,2", "b=[x,y],[z]"]) == [
        ("a=1", "b=[x,y]"),
        ("a=1", "b=[z]"),
        ("a=2", "b=[x,y]"),
        ("a=2", "b=[z]"),
    ]
    assert folder_name(("data.sets=[a/b]", "seed=1")) == "data.sets=[a_b],seed=1"


@pytest.mark.parametrize(
    ("sweeps", "message"),
    [
        (["seed"], "A sweep is key=value,value, not 'seed'"),
        (["seed=0,"], "A sweep is key=value,value, not 'seed=0,'"),
        (["seed=0", "seed=1"], "names every key and value once, not as in 'seed=1'"),
        (["seed=1,1"], "names every key and value once, not as in 'seed=1,1'"),
    ],
)
def test_what_is_no_sweep_is_refused(sweeps: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choices(sweeps)


def test_the_table_has_the_best_run_first_by_its_validation() -> None:
    outcomes = [
        (("lr=1",), 4, {"loss": 1.0, "valid.loss": 3.0}),
        (("lr=2",), 4, {"loss": 2.0, "valid.loss": 2.0}),
        (("lr=3",), 1, {"loss": 0.5}),
    ]
    assert table(outcomes) == [
        ("lr", "steps", "valid.loss", "loss"),
        ("2", "4", "2", "2"),
        ("1", "4", "3", "1"),
        ("3", "1", "", "0.5"),
    ]


def test_a_sweep_leaves_a_folder_for_each_run_and_a_table(recipe: Path) -> None:  # noqa: F811
    sweep = ["--sweep", "optimizer.lr=1e-3,0.1", "--sweep", "seed=0,1"]
    result = CliRunner().invoke(train, [str(recipe), *sweep], catch_exceptions=False)
    lines = result.stdout.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("optimizer.lr"))
    rows = [line.split() for line in lines[head + 1 :]]
    assert sorted(row[:3] for row in rows) == sorted([lr, seed, "6"] for lr in ("1e-3", "0.1") for seed in "01")
    assert lines[head].split()[:5] == ["optimizer.lr", "seed", "steps", "valid.loss", "loss"]
    assert [float(row[3]) for row in rows] == sorted(float(row[3]) for row in rows)
    folder = Path("runs/mine")
    assert len(list(folder.glob("optimizer.lr=*,seed=*/ema.safetensors"))) == 4
    kept = json.loads((folder / "sweep.json").read_text())
    assert kept[0]["choice"] == ["optimizer.lr=1e-3", "seed=0"] and kept[0]["reports"]["valid.loss"] > 0
    record = json.loads((folder / "optimizer.lr=0.1,seed=1/run.json").read_text())
    assert record["recipe"]["optimizer"]["lr"] == 0.1 and record["recipe"]["seed"] == 1


def test_a_wrong_value_stops_a_sweep_before_its_first_run(recipe: Path) -> None:  # noqa: F811
    with pytest.raises(ConfigError, match="optimizer"):
        CliRunner().invoke(train, [str(recipe), "--sweep", "optimizer.lr=1e-3,quick"], catch_exceptions=False)
    assert not Path("runs").exists()


def test_choosing_loads_no_torch() -> None:
    code = "import sys, vaezoo.train.sweep; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
