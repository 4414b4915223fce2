"""The bound with a weight of the rate that changes from step to step."""

from __future__ import annotations

from typing import final

import torch

from vaezoo.core import VAE, Batch, Loss, Phase, Terms, bound_reports, check_at_least
from vaezoo.errors import ConfigError


def weighed(model: VAE, batch: Batch, beta: float) -> Terms:
    """Returns D + β·R and its reports."""
    bound = model(batch)
    loss = bound.distortion.mean() + beta * bound.rate.mean()
    return Terms(loss, {**bound_reports(bound), "beta": torch.tensor(float(beta))})


@final
class CyclicalLoss(Loss):
    """D + β·R, nats per image; β rises from 0 to its value and stays there, again in each cycle.

    Args:
        beta: The value.
        cycle: Steps of a cycle.
        rise: The share of a cycle over which β rises, linearly; 0 to 1.

    Raises:
        ConfigError: ``rise`` is above 1.

    Source: Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing (Fu et al., 2019), eq. 6,
    arXiv:1903.10145. There a cycle is a quarter of the training.
    """

    def __init__(self, beta: float = 1.0, cycle: int = 2000, rise: float = 0.5) -> None:
        super().__init__()
        check_at_least(0, beta=beta, rise=rise)
        check_at_least(1, cycle=cycle)
        if rise > 1:
            raise ConfigError(f"Expected rise as a share of a cycle, at most 1, got {rise}.", value=rise)
        self.beta, self.cycle, self.rise = beta, cycle, rise

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        place = step % self.cycle / self.cycle
        return weighed(model, batch, self.beta * (place / self.rise if place < self.rise else 1.0))


@final
class LinearLoss(Loss):
    """D + β·R, nats per image; β goes in a line from one value to another, and stays on either side.

    Args:
        first: β up to the step ``begin``.
        last: β from the step ``end`` on.
        begin: Where the line begins.
        end: Where it ends.

    Raises:
        ConfigError: ``end`` is not after ``begin``.

    Source: Generating Sentences from a Continuous Space (Bowman et al., 2016), section 3.1, arXiv:1511.06349.
    """

    def __init__(self, first: float = 0.0, last: float = 1.0, begin: int = 0, end: int = 10_000) -> None:
        super().__init__()
        check_at_least(0, first=first, last=last, begin=begin)
        if end <= begin:
            raise ConfigError(f"Expected end after begin, at least {begin + 1}, got {end}.", value=end)
        self.first, self.last, self.begin, self.end = first, last, begin, end

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        share = min(1.0, max(0.0, (step - self.begin) / (self.end - self.begin)))
        return weighed(model, batch, self.first + share * (self.last - self.first))
