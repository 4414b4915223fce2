"""Losses that weigh the rate otherwise than the bound does."""

from __future__ import annotations

from typing import final

import torch

from vaezoo.core import VAE, Batch, Loss, Phase, Terms, bound_reports, check_at_least


@final
class BetaLoss(Loss):
    """D + β·R, nats per image.

    Args:
        beta: Weight of the rate.
        normalised: Read ``beta`` as the paper's β_norm = β·M/N, with M latents and N pixel values.

    Source: beta-VAE (Higgins et al., 2017), eq. 4 and appendix A.6, openreview Sy2fzU9gl.
    """

    def __init__(self, beta: float = 4.0, normalised: bool = False) -> None:
        super().__init__()
        check_at_least(0, beta=beta)
        self.beta, self.normalised = beta, normalised

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
    """D + γ·|R − C|, with C rising from 0: the rate is led to a value instead of being weighed.

    Args:
        gamma: Weight of the distance.
        capacity: Final C, nats per image.
        warmup: Steps until C is reached, linearly.

    Source: Understanding disentangling in β-VAE (Burgess et al., 2018), eq. 8, arXiv:1804.03599.
    """

    def __init__(self, gamma: float = 100.0, capacity: float = 25.0, warmup: int = 10_000) -> None:
        super().__init__()
        check_at_least(0, gamma=gamma, capacity=capacity, warmup=warmup)
        self.gamma, self.capacity, self.warmup = gamma, capacity, warmup

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        capacity = self.capacity * min(1.0, step / self.warmup) if self.warmup else self.capacity
        loss = bound.distortion.mean() + self.gamma * (bound.rate.mean() - capacity).abs()
        return Terms(loss, {**bound_reports(bound), "capacity": torch.tensor(float(capacity))})
