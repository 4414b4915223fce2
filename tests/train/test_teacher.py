"""A teacher shows a student what it makes of each batch."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

import vaezoo
from vaezoo.core import Batch, Objective
from vaezoo.errors import CheckpointError, TrainingError, UnknownName
from vaezoo.train.data import Patches
from vaezoo.train.loop import train
from vaezoo.train.recipe import DataRecipe, MachineRecipe, OptimizerRecipe, Recipe, recipe_hash
from vaezoo.train.sets import Images
from vaezoo.train.teacher import Teacher
from vaezoo.zoo.create import create_objective

SMALL = ["widths=[4,4,4]", "evidence=[4,4,4]", "blocks=1"]
TAUGHT = ["loss.mean_weight=0", "loss.scale_weight=0", "loss.bound_weight=0", "loss.teacher_weight=1"]


def recipe(teacher: str = "denoise-small.open", **values: object) -> Recipe:
    data = DataRecipe(patch=32, sigma=[20.0, 20.0])
    machine = MachineRecipe(log_every=2)
    optimizer = OptimizerRecipe(lr=3e-3, warmup=1)
    values = {"steps": 30, "batch": 2, "data": data, "machine": machine, "optimizer": optimizer, **values}
    return Recipe(model="denoise-small", overrides=[*SMALL, *TAUGHT], teacher=teacher, **values)  # type: ignore[arg-type]


def source(seed: int = 0) -> Patches:
    pixels = torch.randint(256, (40, 48, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return Patches((Images("drawn", [pixels.numpy()], "0" * 64, "none"),), recipe().data, seed)


def test_a_batch_gains_the_mean_path_of_the_teacher() -> None:
    student, name = create_objective("denoise-small", overrides=SMALL, seed=0).model, "denoise-small.open"
    y = torch.rand(2, 3, 16, 16)
    shown = Teacher(name, student, torch.channels_last).show(Batch(y, y, info={"sigma": torch.ones(2)}), nullcontext)
    expected = vaezoo.create(name, pretrained=True).restore(y).image
    torch.testing.assert_close(shown.info["teacher"], expected, atol=1e-5, rtol=0)
    assert torch.equal(shown.info["sigma"], torch.ones(2)) and shown.y is y and not shown.info["teacher"].requires_grad


def test_a_student_comes_closer_to_its_teacher(tmp_path: Path) -> None:
    def objective() -> Objective:
        return create_objective("denoise-small", overrides=recipe().overrides, seed=0)

    train(recipe(), tmp_path, objective=objective(), source=source())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    close = [line["teacher_psnr_db"] for line in lines if line["event"] == "train"]
    assert close[-1] > close[0] + 1
    record = json.loads((tmp_path / "run.json").read_text())
    digest = vaezoo.create("denoise-small.open", pretrained=True).origin.weights.sha256
    assert record["teacher_sha256"] == digest and record["recipe"]["teacher"] == "denoise-small.open"
    with pytest.raises(CheckpointError, match="teacher"):
        train(recipe(""), tmp_path, objective=objective(), source=source())


def test_only_a_recipe_with_a_teacher_has_another_hash() -> None:
    assert recipe_hash(recipe("")) != recipe_hash(recipe()) != recipe_hash(recipe("denoise.open"))


@pytest.mark.parametrize(
    ("teacher", "kind", "message"),
    [
        ("conv-beta.fashion", TrainingError, "restores images of 3 channels here, but conv-beta.fashion has 1"),
        ("denoise-smal", UnknownName, "denoise-small"),
    ],
)
def test_a_teacher_of_another_kind_is_refused(teacher: str, kind: type[Exception], message: str) -> None:
    student = create_objective("denoise-small", overrides=SMALL, seed=0).model
    with pytest.raises(kind, match=message):
        Teacher(teacher, student, torch.contiguous_format)
