"""Losses with another weight of the rate than the bound's."""

from __future__ import annotations

from typing import final

import torch

from vaezoo.core import VAE, Batch, Loss, Phase, Terms, bound_reports
from vaezoo.core.facts import accepts_keywords

from .facts import BetaLossConfig, CapacityLossConfig


@final
class BetaLoss(Loss):
    """D + β·R, nats per image.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: beta-VAE (Higgins et al., 2017), eq. 4 and appendix A.6, openreview Sy2fzU9gl.
    """

    @accepts_keywords(BetaLossConfig)
    def __init__(self, config: BetaLossConfig) -> None:
        super().__init__()
        self.beta, self.normalised = config.beta, config.normalised

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        beta = self.beta
        if self.normalised:
            beta *= batch.target[0].numel() / sum(z[0, 0].numel() for z in bound.latents.z)
        loss = bound.distortion.mean() + beta * bound.rate.mean()
        return Terms(loss, {**bound_reports(bound), "beta": torch.tensor(float(beta))})


@final
class CapacityLoss(Loss):
    """D + γ·|R − C|, with C rising from 0. The rate is driven to a value instead of being weighted.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Understanding disentangling in β-VAE (Burgess et al., 2018), eq. 8, arXiv:1804.03599.
    """

    @accepts_keywords(CapacityLossConfig)
    def __init__(self, config: CapacityLossConfig) -> None:
        super().__init__()
        self.gamma, self.capacity, self.warmup = config.gamma, config.capacity, config.warmup

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        capacity = self.capacity * min(1.0, step / self.warmup) if self.warmup else self.capacity
        loss = bound.distortion.mean() + self.gamma * (bound.rate.mean() - capacity).abs()
        return Terms(loss, {**bound_reports(bound), "capacity": torch.tensor(float(capacity))})
