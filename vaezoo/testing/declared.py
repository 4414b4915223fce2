"""Quick tests that a declared object is what its kind requires."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from vaezoo.core import LikelihoodKind
from vaezoo.core.beliefs import BeliefKind
from vaezoo.evaluate.metrics import Metric
from vaezoo.train.damages.damage import Damage, FunctionDamage, check_damage
from vaezoo.train.recipe import DataRecipe, OptimizerRecipe

SIDE = 32


def check_declared(kind: str, name: str, found: Any, **settings: Any) -> None:
    """Tries a damage, metric, optimizer, schedule, belief, likelihood or data set on a small example.

    Other kinds are ignored.

    Args:
        kind: Kind, such as ``metric``.
        name: Name of the object, for error messages.
        found: Declared object.
        settings: Keyword arguments for calling it, such as its configuration.

    Raises:
        AssertionError: The object is not what `vaezoo.registry.kinds` requires of its kind.
        VaezooError: The object itself raised it.
    """
    what = f"the {kind} {name!r}"
    if kind == "damage" and isinstance(found, type) and issubclass(found, Damage):
        check_damage(found)
        found(DataRecipe(patch=SIDE), **settings)
    elif kind == "damage":
        patch = np.random.default_rng(0).integers(256, size=(SIDE, SIDE, 3), dtype=np.uint8)
        FunctionDamage(DataRecipe(), name, found, **settings).spoil(patch, np.random.default_rng(0))
    elif kind == "metric" and not isinstance(found, Metric):
        values = found(torch.rand(2, 3, SIDE, SIDE), torch.rand(2, 3, SIDE, SIDE))
        assert tuple(values.shape) == (2,), f"{what} gives {tuple(values.shape)} for two images, not a number an image"
    elif kind == "optimizer":
        made = found(dict(nn.Linear(2, 2).named_parameters()), OptimizerRecipe(), **settings)
        made = made if isinstance(made, list | tuple) else [made]
        assert all(isinstance(each, torch.optim.Optimizer) for each in made), f"{what} returns no torch optimizer"
    elif kind == "schedule":
        rates = [found(step, 10, OptimizerRecipe(), **settings) for step in range(10)]
        assert all(rate >= 0 for rate in rates), f"{what} returns learning rates below 0: {rates}"
    elif kind == "belief":
        assert isinstance(found(), BeliefKind), f"{what} returns no BeliefKind"
    elif kind == "likelihood":
        assert isinstance(found, type) and issubclass(found, LikelihoodKind), f"{what} inherits no LikelihoodKind"
    elif kind == "data":
        assert callable(found) or "sha256" in found, f"{what} is neither a function nor a file's description"
