"""The loss of JointVAE."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaezoo.core import Batch, Loss, Phase, Terms, bound_reports, check_at_least

if TYPE_CHECKING:
    from vaezoo.core import VAE


@final
class JointCapacityLoss(Loss):
    """D + γ |R_z − C_z| + γ |R_c − C_c|: each of the two rates is held at a capacity that grows with the steps.

    Args:
        gaussian_nats: Capacity C_z of the Gaussian latents at last, nats per image.
        categorical_nats: Capacity C_c of the categorical variable at last, nats per image; log C is what it can use.
        gamma: γ.
        steps: Steps over which both grow from 0, linearly.

    Source: Learning Disentangled Joint Continuous and Discrete Representations (Dupont, 2018), section 3.1,
    arXiv:1804.00104.
    """

    def __init__(
        self, gaussian_nats: float = 5.0, categorical_nats: float = 2.3, gamma: float = 30.0, steps: int = 25000
    ) -> None:
        super().__init__()
        check_at_least(0, gaussian_nats=gaussian_nats, categorical_nats=categorical_nats, gamma=gamma)
        check_at_least(1, steps=steps)
        self.nats, self.gamma, self.steps = (gaussian_nats, categorical_nats), gamma, steps

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
