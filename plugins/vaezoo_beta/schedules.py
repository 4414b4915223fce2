"""Losses with a weight of the rate that changes from step to step."""

from __future__ import annotations

from typing import final

import torch

from vaezoo.core import VAE, Batch, Loss, Phase, Terms, bound_reports
from vaezoo.core.facts import accepts_keywords

from .facts import CyclicalLossConfig, LinearLossConfig


def weighed(model: VAE, batch: Batch, beta: float) -> Terms:
    """Returns D + β·R and its reports."""
    bound = model(batch)
    loss = bound.distortion.mean() + beta * bound.rate.mean()
    return Terms(loss, {**bound_reports(bound), "beta": torch.tensor(float(beta))})


@final
class CyclicalLoss(Loss):
    """D + β·R, nats per image. In each cycle β rises from 0 to its value, then stays.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing (Fu et al., 2019), eq. 6,
    arXiv:1903.10145. There a cycle is a quarter of the training.
    """

    @accepts_keywords(CyclicalLossConfig)
    def __init__(self, config: CyclicalLossConfig) -> None:
        super().__init__()
        self.beta, self.cycle, self.rise = config.beta, config.cycle, config.rise

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        place = step % self.cycle / self.cycle
        return weighed(model, batch, self.beta * (place / self.rise if place < self.rise else 1.0))


@final
class LinearLoss(Loss):
    """D + β·R, nats per image. β changes linearly from one value to another, and is constant before and after.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Generating Sentences from a Continuous Space (Bowman et al., 2016), section 3.1, arXiv:1511.06349.
    """

    @accepts_keywords(LinearLossConfig)
    def __init__(self, config: LinearLossConfig) -> None:
        super().__init__()
        self.first, self.last, self.begin, self.end = config.first, config.last, config.begin, config.end

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        share = min(1.0, max(0.0, (step - self.begin) / (self.end - self.begin)))
        return weighed(model, batch, self.first + share * (self.last - self.first))
