"""The negative evidence lower bound as a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaezoo.core.context import Batch
from vaezoo.core.facts import accepts_keywords
from vaezoo.core.facts.builtin import ELBOLossConfig
from vaezoo.core.losses.loss import Loss, Phase, Terms, bound_reports

if TYPE_CHECKING:
    from vaezoo.core.vae import VAE


@final
class ELBOLoss(Loss):
    """The negative evidence lower bound with a weight: D + β·R, in nats per image.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Auto-Encoding Variational Bayes (Kingma and Welling, 2013), eq. 3; free nats: Improved Variational
    Inference with Inverse Autoregressive Flow (Kingma et al., 2016), eq. 15, arXiv:1606.04934.
    """

    @accepts_keywords(ELBOLossConfig)
    def __init__(self, config: ELBOLossConfig) -> None:
        super().__init__()
        self.beta, self.free_nats = config.beta, config.free_nats
        self.warmup, self.samples = config.warmup, config.samples

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`Loss.forward`."""
        bound = model(batch, k=self.samples)
        beta = self.beta * min(1.0, (step + 1) / self.warmup) if self.warmup else self.beta
        # A Monte Carlo rate may be negative by chance, so without free nats nothing is clamped.
        rates = [r.mean().clamp_min(self.free_nats) if self.free_nats else r.mean() for r in bound.latents.rate]
        loss = sum((beta * rate for rate in rates), start=bound.distortion.mean())
        return Terms(loss, {**bound_reports(bound), "beta": torch.tensor(beta)})
