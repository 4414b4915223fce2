"""A stranger's distribution that brings one of each kind, used by name from Python and from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[project]
name = "acme-lab"
version = "0.3"
dependencies = ["vaezoo"]
[project.entry-points."vaezoo.plugins"]
lab = "acme_lab.plugin"
"""
PLUGIN = """
from pathlib import Path
from vaezoo import hookimpl
@hookimpl
def vaezoo_registry_files():
    return [Path(__file__).with_name("registry.yaml")]
"""
REGISTRY = """
parts:
  loss:
    acme-loss: {target: "acme_lab.things:Loss", facts: "acme_lab.things:loss", summary: The distortion alone.}
models:
  acme-vae:
    shared: {image_channels: 3, latent_channels: 4, image_size: [16, 16]}
    encoder: {name: mlp, hidden: [8], belief: acme-points}
    prior: normal
    decoder: {name: mlp, hidden: [8], likelihood: gaussian}
    loss: {name: acme-loss, weight: 2.0}
damages: {acme-dust: {target: "acme_lab.things:dust", summary: White specks.}}
metrics: {acme-gap: {target: "acme_lab.things:gap", summary: The mean difference.}}
data:
  acme-dots: {target: "acme_lab.things:dots", summary: Random dots.}
optimizers: {acme-sgd: {target: "acme_lab.things:sgd", summary: Plain gradient descent.}}
schedules: {acme-flat: {target: "acme_lab.things:flat", summary: One rate.}}
beliefs: {acme-points: {target: "acme_lab.things:points", summary: Points.}}
"""
THINGS = """
from dataclasses import dataclass

import numpy as np
import torch
from vaezoo.core import Loss as Base, Terms
from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import LossFacts
from vaezoo.data.sets import Images


def loss(weight: float = 1.0):
    return LossFacts(needs_rate=False)


class Loss(Base):
    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, model, batch, step, phase=None):
        error = model(batch).distortion.mean()
        return Terms(self.weight * error, {"acme_error": error.detach()})


@dataclass(frozen=True)
class DustConfig:
    amount: float = 0.1
    \"\"\"Share of the pixels that turn white.\"\"\"


def dust(patch, rng, config: DustConfig):
    return np.where(rng.random((*patch.shape[:2], 1)) < config.amount, 1, patch / 255).astype(np.float32)


def gap(result, truth):
    return (result - truth).flatten(1).mean(1)


def dots():
    pixels = np.random.default_rng(0).integers(256, size=(6, 16, 16, 3), dtype=np.uint8)
    return Images("acme-dots", list(pixels), "0" * 64, "CC0-1.0")


@dataclass(frozen=True)
class SgdConfig:
    momentum: float = 0.0
    \"\"\"Share of the step before that is taken again.\"\"\"


def sgd(parameters, settings, config: SgdConfig):
    return torch.optim.SGD(parameters.values(), lr=settings.lr, momentum=config.momentum)


@dataclass(frozen=True)
class FlatConfig:
    share: float = 1.0
    \"\"\"Share of the learning rate.\"\"\"


def flat(step, steps, settings, config: FlatConfig):
    return config.share * settings.lr


def points():
    return BeliefKind("dirac", lambda d: d, "vaezoo.core.beliefs.posterior:Dirac")
"""
RECIPE = """
model: acme-vae
data: {sets: [acme-dots], damage: {name: acme-dust, amount: 0.5}, patch: 16}
steps: 100
batch: 2
valid_every: 5
optimizer: {kind: {name: acme-sgd, momentum: 0.5}, schedule: {name: acme-flat, share: 0.5}, lr: 0.0002}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    package = folder / "acme_lab"
    package.mkdir()
    files = {"plugin.py": PLUGIN, "registry.yaml": REGISTRY, "things.py": THINGS, "__init__.py": ""}
    for name, text in files.items():
        (package / name).write_text(text)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


def run(lab: Path, *command: str) -> str:
    environment = {**os.environ, "VAEZOO_PLUGIN_PATH": str(lab)}
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=lab, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trained(lab: Path) -> Path:
    run(lab, "-m", "vaezoo", "train", "recipe.yaml", "--smoke", "--out", "run")
    return lab / "run"


def test_training_takes_a_strangers_names(trained: Path) -> None:
    told = json.loads((trained / "run.json").read_text())
    assert told["steps"] == 10 and told["recipe"]["optimizer"]["kind"] == {"name": "acme-sgd", "momentum": 0.5}
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert any("acme_error" in str(line) for line in lines)


def test_eval_takes_a_strangers_names(lab: Path, trained: Path) -> None:
    told = run(lab, "-m", "vaezoo", "eval", "run/model", "--data", "acme-dots", "--metrics", "acme-gap,psnr", "--json")
    found = json.loads(told)
    assert found["data"] == "acme-dots" and set(found["results"][0]) == {"acme-gap@1", "psnr@1"}


def test_python_takes_a_strangers_names(lab: Path, trained: Path) -> None:
    script = """
import torch, vaezoo
model = vaezoo.load("run/model")
x = torch.rand(4, 3, 16, 16)
found = vaezoo.evaluate(model, x, metrics=["acme-gap"])
assert abs(found["acme-gap@1"] - float((model.reconstruct(x) - x).mean())) < 1e-5
assert type(model.encode(x)).__name__ == "Dirac"
"""
    run(lab, "-c", script)
