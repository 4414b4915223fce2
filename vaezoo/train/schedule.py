"""The learning rate as a function of the step, and the average of weights over steps.

A schedule is declared as ``schedules`` of a registry file or by `vaezoo.register_schedule`: a function of the step from
0, the steps of the whole run and the recipe's settings, which returns the learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from vaezoo.errors import ConfigError
from vaezoo.host.kinds import find
from vaezoo.train.recipe import OptimizerRecipe


def learning_rate(step: int, total: int, recipe: OptimizerRecipe) -> float:
    """Returns the learning rate of a step by the recipe's schedule.

    Args:
        step: From 0.
        total: Steps of the whole run.
        recipe: Its settings; ``schedule`` names the schedule.

    Raises:
        UnknownName: There is no such schedule.
        ConfigError: It returned no finite number of at least 0.
    """
    rate = find("schedule", recipe.schedule)(step, total, recipe)
    if not (isinstance(rate, int | float) and 0 <= rate < math.inf):
        message = f"Expected the schedule {recipe.schedule!r} to return a learning rate for step {step}, got {rate!r}."
        raise ConfigError(message, value=rate)
    return rate


def cosine(step: int, total: int, recipe: OptimizerRecipe) -> float:
    """Returns a linear warm-up to ``lr``, then half a cosine down to ``final_lr`` at the last step."""
    if step < recipe.warmup:
        return recipe.lr * (step + 1) / recipe.warmup
    progress = min(1.0, (step - recipe.warmup) / max(1, total - 1 - recipe.warmup))
    return recipe.final_lr + (recipe.lr - recipe.final_lr) * 0.5 * (1 + math.cos(math.pi * progress))


@final
class Average:
    """The exponential moving average of a model's parameters and floating-point buffers.

    The decay grows from 0.1 as (1 + n) / (10 + n) up to its limit, so an early average forgets the start.

    Args:
        model: Its weights are the first average.
        decay: The limit.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: dict[str, Tensor] = {name: value.clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Takes in the model's weights after a step."""
        current = model.state_dict()
        moving = [name for name, value in self.weights.items() if value.is_floating_point()]
        average = get_ema_multi_avg_fn(min(self.decay, (1 + step) / (10 + step)))
        average([self.weights[n] for n in moving], [current[n] for n in moving], step)
        for name in self.weights.keys() - set(moving):
            self.weights[name].copy_(current[name])

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Replaces the average."""
        for name, value in self.weights.items():
            value.copy_(weights[name])
