"""A share of the target that a larger model gives."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import vaezoo
from vaezoo.core import Batch
from vaezoo.errors import CheckpointError, IncompatibleParts, UnknownName, WeightsError
from vaezoo.image import gaussian_noise
from vaezoo.train.loop import train
from vaezoo.train.recipe import Recipe, TeacherRecipe, load_recipe
from vaezoo.train.teacher import Teacher

CPU = torch.device("cpu")


def batch() -> Batch:
    ramp = torch.linspace(0.2, 0.8, 32).expand(2, 3, 32, 32)
    return Batch(gaussian_noise(ramp, 25.0, 0), ramp, {"sigma": torch.tensor([25 / 255, torch.nan])}, {"sigma": ramp})


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_its_share_of_the_target_is_what_it_makes_of_the_input(share: float) -> None:
    given = batch()
    teacher = Teacher(TeacherRecipe("denoise-small", share=share), CPU)
    taught = teacher(given, nullcontext())
    own = vaezoo.create("denoise-small", pretrained=True)
    guess = own.restore(given.y, cond=given.cond).image
    torch.testing.assert_close(taught.target, (1 - share) * given.target + share * guess, atol=1e-5, rtol=0)
    assert not taught.target.requires_grad
    assert taught.y is given.y and taught.cond is given.cond and taught.info is given.info


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(256, size=(40, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "one.png")
    return folder


def recipe(photos: Path, *more: str) -> Recipe:
    small = ["steps=1", "batch=2", "data.patch=16", "data.valid=[]", "precision=fp32", "optimizer.warmup=1"]
    return load_recipe("denoise", [f"data={photos}", *small, "model=denoise-small", *more])


def test_a_run_is_taught_and_says_by_what(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "teacher.safetensors"
    save_file(vaezoo.create("denoise", seed=3).state_dict(), path)
    runs = {
        name: train(recipe(photos, *more), tmp_path / name)
        for name, more in {
            "alone": (),
            "unheard": ("teacher={model: denoise, share: 0}",),
            "shipped": ("teacher={model: denoise}",),
            "file": ("teacher={model: denoise, weights: " + str(path) + "}",),
        }.items()
    }
    losses = {name: run.reports["loss"] for name, run in runs.items()}
    assert losses["alone"] == losses["unheard"] and len(set(losses.values())) == 3
    records = {name: json.loads((tmp_path / name / "run.json").read_text()) for name in runs}
    told = vaezoo.create("denoise", pretrained=True).origin.weights
    assert told is not None and records["alone"]["teacher_sha256"] is None
    assert records["shipped"]["teacher_sha256"] == told.sha256 != records["file"]["teacher_sha256"]


def test_another_teacher_cannot_take_over(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "teacher.safetensors"
    told = recipe(photos, "teacher={model: denoise-small, weights: " + str(path) + "}")
    save_file(vaezoo.create("denoise-small", seed=1).state_dict(), path)
    train(told, tmp_path / "run")
    save_file(vaezoo.create("denoise-small", seed=2).state_dict(), path)
    with pytest.raises(CheckpointError, match=r"content\.teacher"):
        train(told, tmp_path / "run")


def test_who_cannot_teach_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="denoize"):
        train(recipe(photos, "teacher={model: denoize}"), tmp_path / "a")
    with pytest.raises(WeightsError, match="nowhere"):
        train(recipe(photos, "teacher={model: denoise, weights: nowhere/ema.safetensors}"), tmp_path / "b")
    with pytest.raises(IncompatibleParts, match="A teacher takes a Gaussian likelihood"):
        Teacher(TeacherRecipe("vae.dynamic-mnist"), CPU)(Batch(torch.rand(2, 1, 28, 28)), nullcontext())
