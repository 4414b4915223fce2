"""The loop: it learns, resumes bit for bit, skips and names bad steps, and stops politely."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from vaezoo import create_objective
from vaezoo.core import Batch, Loss, Objective, Phase, Terms
from vaezoo.data.sets import Images
from vaezoo.errors import CheckpointError, TrainingError
from vaezoo.train.checkpoint import save_checkpoint
from vaezoo.train.data import WholeImages
from vaezoo.train.loop import train
from vaezoo.train.packed import unpack
from vaezoo.train.recipe import DataRecipe, MachineRecipe, Recipe

from . import toy


class Interrupted(Loss):
    """A loss that does something once, at one step."""

    def __init__(self, inner: Loss, at: int, act: Callable[[], None]) -> None:
        super().__init__()
        self.inner, self.at, self.act = inner, at, act

    def forward(self, model: nn.Module, batch: Batch, step: int, phase: Phase | None = None) -> Terms:  # type: ignore[override]
        if step == self.at:
            self.at = -1  # once only: a second signal kills
            self.act()
        return self.inner(model, batch, step, phase)


class Poisoned(Loss):
    """A loss that is not finite at some steps."""

    def __init__(self, steps: range, where: str) -> None:
        super().__init__()
        self.steps, self.where = steps, where

    def forward(self, model: nn.Module, batch: Batch, step: int, phase: Phase | None = None) -> Terms:  # type: ignore[override]
        error = (model(batch.y) - batch.target).square().mean()
        bad = torch.tensor(math.inf if step in self.steps else 0.0)
        if self.where == "gradient":  # sqrt(0) has an infinite slope
            return Terms(error + (0 * model.conv.weight).sum().sqrt() if step in self.steps else error)  # type: ignore[union-attr,operator]
        return Terms(error + bad, {"rate": bad})


def test_it_learns_and_leaves_weights_log_and_record(tmp_path: Path) -> None:
    run = toy.recipe(epochs=50.0)
    result = train(run, tmp_path, objective=toy.objective(0.0), source=toy.source())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["event"] == "train"]
    assert losses[-1] < 0.5 * losses[0] and result.steps == result.total == 200
    assert load_file(result.weights).keys() == toy.objective().model.state_dict().keys()
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["steps"] == 200 and record["pixels"] == 200 * 4 * 64 and len(record["recipe_sha256"]) == 64
    assert record["data"] == [{"set": "toy", "sha256": "0" * 64, "licence": "none", "images": 16}]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_and_two_epochs_are_four(tmp_path: Path, accumulate: int) -> None:
    recipe = toy.recipe(accumulate=accumulate)
    train(recipe, tmp_path / "whole", objective=toy.objective(), source=toy.source())
    stopping = toy.objective()
    stopping.loss = Interrupted(stopping.loss, 7, lambda: os.kill(os.getpid(), signal.SIGTERM))
    first = train(recipe, tmp_path / "halves", objective=stopping, source=toy.source())
    assert first.steps == 8 and first.total == 16
    second = train(recipe, tmp_path / "halves", objective=toy.objective(), source=toy.source())
    assert second.steps == 16
    whole, halves = toy.weights(tmp_path / "whole"), toy.weights(tmp_path / "halves")
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


def test_accumulating_is_the_same_as_a_larger_batch(tmp_path: Path) -> None:
    for pieces in (1, 4):
        train(
            toy.recipe(accumulate=pieces),
            tmp_path / str(pieces),
            objective=toy.objective(0.0),
            source=toy.source(),
        )
    one, four = toy.weights(tmp_path / "1"), toy.weights(tmp_path / "4")
    torch.testing.assert_close(one["model.conv.weight"], four["model.conv.weight"])


def test_a_time_limit_stops_and_a_finished_run_stays(tmp_path: Path) -> None:
    assert train(toy.recipe(), tmp_path, objective=toy.objective(), source=toy.source(), minutes=0.0).steps == 1
    assert train(toy.recipe(), tmp_path, objective=toy.objective(), source=toy.source()).steps == 16
    before = toy.weights(tmp_path)
    assert train(toy.recipe(), tmp_path, objective=toy.objective(), source=toy.source()).steps == 16
    assert all(torch.equal(before[name], value) for name, value in toy.weights(tmp_path).items())


@pytest.mark.parametrize(
    ("where", "cause"),
    [("term", "term rate is inf"), ("gradient", "the gradient of model.conv.weight is not finite")],
)
def test_a_bad_step_is_skipped_and_named(tmp_path: Path, where: str, cause: str) -> None:
    objective = Objective(toy.objective().model, Poisoned(range(3, 5), where))
    train(toy.recipe(), tmp_path, objective=objective, source=toy.source())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["cause"]) for line in lines if line["event"] == "skipped"] == [
        (3, cause),
        (4, cause),
    ]
    assert json.loads((tmp_path / "run.json").read_text())["skipped_steps"] == 2
    assert all(bool(torch.isfinite(value).all()) for value in toy.weights(tmp_path).values())


def test_bad_steps_in_a_row_end_the_run_and_keep_the_checkpoint(tmp_path: Path) -> None:
    train(toy.recipe(patience=3), tmp_path, objective=toy.objective(), source=toy.source(), minutes=0.0)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    objective = Objective(toy.objective().model, Poisoned(range(5, 99), "term"))
    with pytest.raises(TrainingError, match=r"3 steps in a row.*step 7.*term rate is inf.*last good state"):
        train(toy.recipe(patience=3), tmp_path, objective=objective, source=toy.source())
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


def test_the_last_good_state_is_kept_where_no_checkpoint_was_due(tmp_path: Path) -> None:
    objective = Objective(toy.objective().model, Poisoned(range(5, 99), "term"))
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors is the last good state"):
        train(toy.recipe(patience=3), tmp_path, objective=objective, source=toy.source())
    good = toy.weights(tmp_path)
    assert good and all(torch.equal(good[name], value) for name, value in objective.state_dict().items())


def test_a_run_without_one_good_step_fails_however_short(tmp_path: Path) -> None:
    objective = Objective(toy.objective().model, Poisoned(range(99), "term"))
    with pytest.raises(TrainingError, match=r"4 steps in a row.*Not one step was good"):
        train(toy.recipe(epochs=0.0, steps=4), tmp_path, objective=objective, source=toy.source())
    assert not (tmp_path / "ema.safetensors").exists()


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path) -> None:
    train(toy.recipe(), tmp_path, objective=toy.objective(), source=toy.source(), minutes=0.0)
    with pytest.raises(CheckpointError, match=r"batch \(4, now 8\), ema \(0.999, now 0.9\).*--no-resume"):
        train(toy.recipe(batch=8, ema=0.9), tmp_path, objective=toy.objective(), source=toy.source())
    machine = MachineRecipe(log_every=1)
    assert train(toy.recipe(machine=machine), tmp_path, objective=toy.objective(), source=toy.source()).steps == 16
    assert (
        train(toy.recipe(ema=0.9), tmp_path, objective=toy.objective(), source=toy.source(), resume=False).steps == 16
    )


def test_a_checkpoint_from_before_a_setting_came_goes_on(tmp_path: Path) -> None:
    run = partial(train, out=tmp_path, objective=toy.objective(), source=toy.source(), minutes=0.0)
    run(toy.recipe())
    content = unpack((tmp_path / "checkpoint.safetensors").read_bytes())
    del content["config"]["grow"], content["config"]["data"]["electrons"]
    save_checkpoint(tmp_path, content)
    with pytest.raises(CheckpointError, match=r"grow \(False, now True\)"):
        run(toy.recipe(grow=True))
    run(toy.recipe())


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="is no checkpoint of vaezoo"):
        train(toy.recipe(), tmp_path, objective=toy.objective(), source=toy.source())


def test_a_model_that_was_changed_after_it_was_created_trains_on_and_says_what_is_not_saved(tmp_path: Path) -> None:
    objective = create_objective("mlp-seed", seed=0)
    objective.model.decoder.project = torch.nn.Sequential(objective.model.decoder.project)
    pixels = np.zeros((8, 28, 28, 1), np.uint8)
    source = WholeImages((Images("toy", pixels, "0" * 64, "none"),), DataRecipe(), 0)
    with pytest.warns(UserWarning, match="the model is not saved completely in"):
        done = train(Recipe(model="mlp-seed", steps=1, batch=4), tmp_path, objective=objective, source=source)
    assert done.steps == 1 and done.weights.is_file() and not (tmp_path / "model").exists()
