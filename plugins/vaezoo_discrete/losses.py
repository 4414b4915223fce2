"""The loss of JointVAE."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaezoo.core import Batch, Loss, Phase, Terms, bound_reports
from vaezoo.core.facts import accepts_keywords

from .facts import JointCapacityLossConfig

if TYPE_CHECKING:
    from vaezoo.core import VAE


@final
class JointCapacityLoss(Loss):
    """D + γ |R_z − C_z| + γ |R_c − C_c|: each of the two rates is kept at a capacity that rises with the steps.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Learning Disentangled Joint Continuous and Discrete Representations (Dupont, 2018), section 3.1,
    arXiv:1804.00104.
    """

    @accepts_keywords(JointCapacityLossConfig)
    def __init__(self, config: JointCapacityLossConfig) -> None:
        super().__init__()
        self.nats, self.gamma, self.steps = (config.gaussian_nats, config.categorical_nats), config.gamma, config.steps

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        grown = min(1.0, step / self.steps)
        rates = [rate.mean() for rate in bound.latents.rate]
        held = sum(
            ((rate - grown * nats).abs() for rate, nats in zip(rates, self.nats, strict=True)),
            start=torch.zeros_like(rates[0]),
        )
        loss = bound.distortion.mean() + self.gamma * held
        told = {"rate_gaussian": rates[0].detach(), "rate_categorical": rates[1].detach()}
        return Terms(loss, bound_reports(bound) | told)
