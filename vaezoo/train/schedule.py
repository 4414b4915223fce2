"""The learning rate at each step, and the average of weights over steps.

A schedule is declared under ``schedules`` of a registry file or by `vaezoo.register_schedule`. It is a function of the
step (from 0), the number of steps of the whole run and the recipe's settings. It returns the learning rate.

A schedule with settings of its own has a parameter ``config``, annotated with a frozen dataclass of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from vaezoo.errors import ConfigError
from vaezoo.host.kinds import chosen
from vaezoo.train.recipe import OptimizerRecipe


def learning_rate(step: int, total: int, recipe: OptimizerRecipe) -> float:
    """Returns the learning rate of a step by the recipe's schedule.

    Args:
        step: Number of the step, from 0.
        total: Number of steps of the whole run.
        recipe: Settings of the recipe; ``schedule`` names the schedule.

    Raises:
        UnknownName: The schedule is unknown.
        ConfigError: The schedule did not return a finite number of at least 0.
    """
    name, schedule, own = chosen("schedule", recipe.schedule)
    rate = schedule(step, total, recipe, **own)
    if not (isinstance(rate, int | float) and 0 <= rate < math.inf):
        message = f"Expected the schedule {name!r} to return a learning rate for step {step}, got {rate!r}."
        raise ConfigError(message, value=rate)
    return rate


def cosine(step: int, total: int, recipe: OptimizerRecipe) -> float:
    """Returns a learning rate that warms up linearly to ``lr`` and falls along half a cosine to ``final_lr``."""
    if step < recipe.warmup:
        return recipe.lr * (step + 1) / recipe.warmup
    progress = min(1.0, (step - recipe.warmup) / max(1, total - 1 - recipe.warmup))
    return recipe.final_lr + (recipe.lr - recipe.final_lr) * 0.5 * (1 + math.cos(math.pi * progress))


@final
class Average:
    """The exponential moving average of a model's parameters and floating-point buffers.

    The decay grows as (1 + n) / (10 + n) from 0.1 to its limit, so that an early average forgets the start.

    Args:
        model: Model whose weights are the initial average.
        decay: Limit of the decay.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: dict[str, Tensor] = {name: value.clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Adds the model's weights after a step."""
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
