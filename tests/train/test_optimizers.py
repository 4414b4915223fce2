"""Optimizers and schedules by name: a stranger's update the weights, and what is none is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import vaezoo
from vaezoo.errors import ConfigError
from vaezoo.train.optimizers import make_optimizers
from vaezoo.train.ranks import Ranks
from vaezoo.train.recipe import OptimizerKind, OptimizerRecipe, recipe_dict, recipe_hash
from vaezoo.train.schedule import learning_rate
from vaezoo.train.update import Updater

from . import toy

ALONE = Ranks(0, 1, torch.device("cpu"))


def sgd(parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters.values(), lr=settings.lr)


def halves(step: int, steps: int, settings: OptimizerRecipe) -> float:
    return settings.lr * (1 - step / steps)


def test_a_strangers_optimizer_and_schedule_make_the_step() -> None:
    vaezoo.register_optimizer("test-sgd", sgd)
    vaezoo.register_schedule("test-linear", halves)
    settings = OptimizerRecipe(kind="test-sgd", schedule="test-linear", lr=0.5)
    objective = toy.objective(0.0)
    updater = Updater(objective, replace(toy.recipe(), optimizer=settings), 10, ALONE)
    before = objective.model.conv.weight.detach().clone()  # type: ignore[union-attr]
    updater.update(5, [toy.source().batch(0, range(4), 4, torch.device("cpu"))])
    (optimizer,) = updater.optimizers["all"]
    assert isinstance(optimizer, torch.optim.SGD) and optimizer.param_groups[0]["lr"] == 0.25
    weight: Any = objective.model.conv.weight  # type: ignore[union-attr]
    torch.testing.assert_close(weight.detach(), before - 0.25 * weight.grad)


def nothing(parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe) -> str:
    return "none"


def some(parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe) -> list[torch.optim.Optimizer]:
    return [torch.optim.SGD(list(parameters.values())[:1], lr=0.1)]


def test_what_is_no_optimizer_or_schedule_is_refused() -> None:
    parameters = dict(nn.Linear(2, 2).named_parameters())
    vaezoo.register_optimizer("test-nothing", nothing)
    with pytest.raises(ConfigError, match="'test-nothing' to return torch optimizers, got 'none'"):
        make_optimizers(parameters, OptimizerRecipe(kind="test-nothing"))
    vaezoo.register_optimizer("test-some", some)
    with pytest.raises(ConfigError, match="'test-some' leaves out 1 parameters: bias"):
        make_optimizers(parameters, OptimizerRecipe(kind="test-some"))
    vaezoo.register_schedule("test-wild", lambda step, steps, settings: -1.0)
    with pytest.raises(ConfigError, match=r"'test-wild' to return a learning rate for step 3, got -1\.0"):
        learning_rate(3, 10, OptimizerRecipe(schedule="test-wild"))


def test_a_schedule_is_part_of_the_hash_where_it_is_not_the_first_one(tmp_path: Path) -> None:
    recipe = toy.recipe()
    assert recipe_hash(recipe) != recipe_hash(replace(recipe, optimizer=OptimizerRecipe(warmup=2, schedule="other")))
    old = replace(recipe, optimizer=OptimizerRecipe(warmup=2, kind=OptimizerKind.adamw))
    assert recipe_hash(recipe) == recipe_hash(old) and recipe_dict(old)["optimizer"]["kind"] == "adamw"
    muon = replace(recipe, optimizer=OptimizerRecipe(warmup=2, kind=OptimizerKind.muon))
    assert recipe_dict(muon)["optimizer"]["kind"] == "muon"


def test_settings_by_position_are_what_they_were_before_there_were_schedules() -> None:
    settings = OptimizerRecipe("adamw", 0.5, 0.25, 3, [0.8, 0.9], 0.1, 2.0)
    assert settings == OptimizerRecipe(
        kind="adamw", lr=0.5, final_lr=0.25, warmup=3, betas=[0.8, 0.9], weight_decay=0.1, clip=2.0
    )
