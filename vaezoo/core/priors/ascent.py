"""Maximum likelihood by gradient ascent, for priors that are fitted after training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vaezoo.core.machine.arithmetic import check_gradients
from vaezoo.errors import ConfigError, IncompatibleParts

STEPS, ROWS, RATE = 2000, 256, 2e-3
"""Default number of steps, rows per step, and initial learning rate of Adam, which falls to 0 along a cosine."""


def ascend(
    module: nn.Module,
    log_prob: Callable[[Tensor], Tensor],
    rows: int,
    steps: int | None = None,
    seed: int = 0,
    *,
    at_once: int = ROWS,
) -> tuple[float, ...]:
    """Maximises a module's mean log-likelihood over rows by Adam, in place. Each step sees a random choice of rows.

    Args:
        module: Module whose parameters are changed.
        log_prob: Function from chosen rows, int64 (N,), to their log-likelihoods (N,) in nats.
        rows: Number of rows.
        steps: Number of steps of Adam. None means `STEPS`.
        seed: Random seed of the choices.
        at_once: Number of rows per step.

    Returns:
        Mean log-likelihood of the rows of each step, in nats.

    Raises:
        IncompatibleParts: The module has no parameters.
        ConfigError: ``steps`` is below 1, or ``torch.inference_mode`` is on.
    """
    check_gradients("A fit")
    steps = STEPS if steps is None else steps
    parameters = [p for p in module.parameters() if p.requires_grad]
    if not parameters:
        name = type(module).__name__
        raise IncompatibleParts(f"{name} has no parameters to fit.", hint="Fit a mixture or a flow.", value=name)
    if steps < 1:
        raise ConfigError(f"Expected steps of at least 1, got {steps}.", value=steps)
    generator, history = torch.Generator().manual_seed(seed), []
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    with torch.enable_grad():
        for _ in range(steps):
            chosen = torch.randint(rows, (min(at_once, rows),), generator=generator).to(parameters[0].device)
            found = log_prob(chosen).mean()
            optimiser.zero_grad()
            (-found).backward()
            optimiser.step()
            schedule.step()
            history.append(float(found.detach()))
    optimiser.zero_grad()
    return tuple(history)
