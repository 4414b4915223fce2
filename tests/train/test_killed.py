"""Runs that are killed, and runs on several processes, by the command that a user types."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
RECIPE = """
model: mlp-vae
overrides: ["encoder.hidden=[32]", "decoder.hidden=[32]", "latent_channels=4"]
data: {{sets: [{pictures}], patch: 28, gray: true}}
steps: {steps}
batch: 8
ema: 0.9
optimizer: {{warmup: 3}}
machine: {{device: cpu, log_every: 1, checkpoint_minutes: 0, deterministic: true}}
"""
AT_EVERY_STEP = """
import os, sys
from pathlib import Path
import torch
from tests.train import toy
from tests.train.test_loop import Interrupted
from vaezoo.train import loop
from vaezoo.train.recipe import MachineRecipe

torch.set_num_threads(1)
kept, folder = float(sys.argv[1]), Path(sys.argv[2])
recipe = toy.recipe(machine=MachineRecipe(checkpoint_minutes=kept, threads=0))
kill = lambda: os.kill(os.getpid(), 9)

def run(out, at=-1, writing=False):
    objective = toy.objective()
    if at >= 0 and not writing:
        objective.loss = Interrupted(objective.loss, at, kill)
    if writing:
        replace, count = os.replace, iter(range(99))
        os.replace = lambda a, b: kill() if next(count) == at else replace(a, b)
    pid = os.fork()
    if pid == 0:
        loop.train(recipe, out, objective=objective, source=toy.source())
        os._exit(0)
    if writing:
        os.replace = replace
    return os.waitpid(pid, 0)[1]

# here, not in a fork: what a first run imports takes seconds, and forks inherit it
loop.train(recipe, folder / "whole", objective=toy.objective(), source=toy.source())
whole = toy.weights(folder / "whole")
for writing in (False, True):
    for at in range(0, 16, 3 if writing else 1):
        out = folder / f"{writing}{at}"
        died = run(out, at, writing)
        assert os.WIFSIGNALED(died) or writing and kept > 0, (at, died)
        assert run(out) == 0
        again = toy.weights(out)
        assert all(torch.equal(value, again[name]) for name, value in whole.items()), (at, writing)
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    drawn = np.random.default_rng(0).integers(256, size=(60, 60, 3), dtype=np.uint8)
    Image.fromarray(drawn).save(tmp_path / "pictures/a.png")
    file = tmp_path / "mine.yaml"
    file.write_text(RECIPE.format(pictures=tmp_path / "pictures", steps=12))
    return file


def losses(out: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if line["event"] == "train"}


def means(out: Path) -> list[dict[str, float]]:
    """All that the log says of each step but how quick it was."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    apart = ("event", "time", "megapixels_per_s")
    return [{k: v for k, v in line.items() if k not in apart} for line in lines if line["event"] == "train"]


def command(*launcher: str) -> list[str]:
    return [sys.executable, *launcher, "-m", "vaezoo", "train"]


def run(recipe: Path, out: Path, *overrides: str, launcher: tuple[str, ...] = ()) -> dict[int, float]:
    done = subprocess.run(
        [*command(*launcher), str(recipe), *overrides, "--out", str(out)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return losses(out)


@pytest.mark.parametrize("minutes", ["0", "10"])
def test_a_run_killed_at_any_step_goes_on_bit_for_bit(tmp_path: Path, minutes: str) -> None:
    """At each step, and while a file is written; with a checkpoint at every step, and with none before the end."""
    code = [sys.executable, "-c", AT_EVERY_STEP, minutes, str(tmp_path)]
    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_command_killed_from_outside_goes_on_bit_for_bit(recipe: Path, tmp_path: Path) -> None:
    whole = run(recipe, tmp_path / "whole", "steps=300")
    out = tmp_path / "killed"
    started = subprocess.Popen(
        [*command(), str(recipe), "steps=300", "--out", str(out)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 60
        while not (out / "log.jsonl").exists() or len((out / "log.jsonl").read_text().splitlines()) < 20:
            assert time.monotonic() < end and started.poll() is None
            time.sleep(0.005)
        started.send_signal(signal.SIGKILL)
        assert started.wait(30) == -signal.SIGKILL
    finally:
        started.kill()
    assert run(recipe, out, "steps=300") == whole
    one, two = (load_file(folder / "ema.safetensors") for folder in (tmp_path / "whole", out))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_torchrun_gives_the_curve_of_one_process(recipe: Path, tmp_path: Path) -> None:
    """The same global batch; noise belongs to a piece's place in the batch, so latents are drawn alike too."""
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    two = run(recipe, tmp_path / "two", launcher=launcher)
    one = run(recipe, tmp_path / "one", "accumulate=2")
    assert list(one) == list(two) == list(range(1, 13))
    torch.testing.assert_close(means(tmp_path / "two"), means(tmp_path / "one"), rtol=1e-5, atol=1e-4)
    assert json.loads((tmp_path / "two/run.json").read_text())["processes"] == 2
    a, b = (load_file(tmp_path / name / "ema.safetensors") for name in ("one", "two"))
    for name, value in a.items():
        torch.testing.assert_close(b[name], value, rtol=1e-4, atol=1e-5)


def test_bf16_trains_beside_fp32(recipe: Path, tmp_path: Path) -> None:
    whole, half = run(recipe, tmp_path / "fp32"), run(recipe, tmp_path / "bf16", "precision=bf16")
    assert half != whole
    torch.testing.assert_close(list(half.values()), list(whole.values()), rtol=0.02, atol=0)


def test_determinism_is_for_the_run_alone() -> None:
    from vaezoo.train.seeds import deterministic

    assert not torch.are_deterministic_algorithms_enabled()
    with pytest.raises(KeyError), deterministic(True):
        assert torch.are_deterministic_algorithms_enabled()
        raise KeyError
    assert not torch.are_deterministic_algorithms_enabled()
