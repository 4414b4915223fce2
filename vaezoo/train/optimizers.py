"""Optimizers by name: what a stranger's is, the two that vaezoo brings, and the making of those a recipe asks for.

An optimizer is declared as ``optimizers`` of a registry file or by `vaezoo.register_optimizer`. It is a function of the
parameters that one phase trains, by their names, and of the recipe's settings; it returns one `torch.optim.Optimizer`,
or several that share the parameters. Their learning rate is set before every step, by the schedule.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from vaezoo.errors import ConfigError
from vaezoo.host.kinds import find
from vaezoo.train.muon import Muon
from vaezoo.train.recipe import OptimizerRecipe

HIDDEN = 32
"""Muon takes kernels with at least so many rows and channels: those between hidden layers, not to or from images."""


def make_optimizers(
    parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe
) -> tuple[torch.optim.Optimizer, ...]:
    """Returns the optimizers of a phase.

    Args:
        parameters: What the phase trains, by name.
        settings: The recipe's; ``kind`` names the optimizer.

    Raises:
        UnknownName: There is no such optimizer.
        ConfigError: What it returned is none, or leaves a parameter out.
    """
    made = find("optimizer", settings.kind)(parameters, settings)
    optimizers = tuple(made) if isinstance(made, list | tuple) else (made,)
    if wrong := [each for each in optimizers if not isinstance(each, torch.optim.Optimizer)]:
        raise ConfigError(
            f"Expected the optimizer {settings.kind!r} to return torch optimizers, got {wrong[0]!r}.", value=wrong[0]
        )
    taken = {id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    if left := [name for name, parameter in parameters.items() if id(parameter) not in taken]:
        raise ConfigError(f"The optimizer {settings.kind!r} leaves out {len(left)} parameters: {left[0]}.", value=left)
    return optimizers


def adamw(parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe) -> torch.optim.AdamW:
    """Returns AdamW, whose decay leaves vectors and scalars alone."""
    groups = [
        {"params": [p for p in parameters.values() if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters.values() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    betas = (settings.betas[0], settings.betas[1])
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in parameters.values())
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.lr, betas=betas, fused=fused)


def muon(parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe) -> tuple[torch.optim.Optimizer, ...]:
    """Returns Muon for hidden kernels and AdamW for the rest, each where there are any."""
    hidden = {name: p for name, p in parameters.items() if p.ndim > 1 and min(p.shape[:2]) >= HIDDEN}
    rest = {name: p for name, p in parameters.items() if name not in hidden}
    kernels = (Muon(hidden.values(), settings.lr, weight_decay=settings.weight_decay),) if hidden else ()
    return (*((adamw(rest, settings),) if rest else ()), *kernels)
