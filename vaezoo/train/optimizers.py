"""Optimizers by name: the two of vaezoo, the form of a plugin's, and making those that a recipe names.

An optimizer is declared under ``optimizers`` of a registry file or by `vaezoo.register_optimizer`. It is a function of
the parameters of a phase, by name, and of the recipe's settings. It returns one `torch.optim.Optimizer`, or several
that share the parameters. The schedule sets their learning rate before every step.

An optimizer with settings of its own has a parameter ``config``, annotated with a frozen dataclass of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from vaezoo.errors import ConfigError
from vaezoo.host.kinds import chosen
from vaezoo.train.muon import Muon
from vaezoo.train.recipe import OptimizerRecipe

HIDDEN = 32
"""Smallest number of rows and channels of a kernel for Muon. It is for kernels between hidden layers only."""


def make_optimizers(
    parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe
) -> tuple[torch.optim.Optimizer, ...]:
    """Makes the optimizers of a phase.

    Args:
        parameters: Parameters of the phase, by name.
        settings: Settings of the recipe; ``kind`` names the optimizer.

    Raises:
        UnknownName: The optimizer is unknown.
        ConfigError: The optimizer returned something else than torch optimizers, or left out a parameter.
    """
    name, make, own = chosen("optimizer", settings.kind)
    made = make(parameters, settings, **own)
    optimizers = tuple(made) if isinstance(made, list | tuple) else (made,)
    if wrong := [each for each in optimizers if not isinstance(each, torch.optim.Optimizer)]:
        raise ConfigError(
            f"Expected the optimizer {name!r} to return torch optimizers, got {wrong[0]!r}.", value=wrong[0]
        )
    taken = {id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    if left := [each for each, parameter in parameters.items() if id(parameter) not in taken]:
        raise ConfigError(f"The optimizer {name!r} leaves out {len(left)} parameters: {left[0]}.", value=left)
    return optimizers


def adamw(parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe) -> torch.optim.AdamW:
    """Makes AdamW, without weight decay for vectors and scalars."""
    groups = [
        {"params": [p for p in parameters.values() if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters.values() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    betas = (settings.betas[0], settings.betas[1])
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in parameters.values())
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.lr, betas=betas, fused=fused)


def muon(parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe) -> tuple[torch.optim.Optimizer, ...]:
    """Makes Muon for hidden kernels and AdamW for the rest, if there are any of each."""
    hidden = {name: p for name, p in parameters.items() if p.ndim > 1 and min(p.shape[:2]) >= HIDDEN}
    rest = {name: p for name, p in parameters.items() if name not in hidden}
    kernels = (Muon(hidden.values(), settings.lr, weight_decay=settings.weight_decay),) if hidden else ()
    return (*((adamw(rest, settings),) if rest else ()), *kernels)
