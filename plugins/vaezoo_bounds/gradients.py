"""The IWAE bound with a gradient of lower variance."""

from __future__ import annotations

from typing import final

import torch

from vaezoo.core import VAE, Batch, DiagonalGaussian, Loss, Phase, Terms
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts

from .facts import DReGLossConfig
from .losses import importance_bound, log_weights, terms_of


@final
class DReGLoss(Loss):
    """−IWAE with K samples, and an encoder gradient whose signal does not vanish in its noise as K grows.

    The encoder's gradient is reparameterised twice.
    With weights w̃ normalised over samples, the generative parameters get Σ w̃ ∂ log w and the encoder's

        Σ w̃² · ∂ log w/∂z · ∂z/∂φ,

    with the same expectation as IWAE's gradient.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives (Tucker et al., 2018), eq. 8,
    arXiv:1810.04152.
    """

    @accepts_keywords(DReGLossConfig)
    def __init__(self, config: DReGLossConfig) -> None:
        super().__init__()
        self.samples = config.samples

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`.

        Raises:
            NotNormalised: The likelihood or the prior has no density.
            IncompatibleParts: The belief is not a diagonal Gaussian.
        """
        bound = model(batch, k=self.samples)
        belief, z = bound.belief, bound.latents.z[0]
        if not isinstance(belief, DiagonalGaussian):
            raise IncompatibleParts(
                f"Expected a DiagonalGaussian, whose density can be detached, got {type(belief).__name__}.",
                hint="Choose the loss iwae, which takes every density.",
                value=type(belief).__name__,
            )
        value = log_weights(bound)
        still = DiagonalGaussian(belief.mean.detach(), belief.logvar.detach()).log_prob(z)
        log_w = value + (bound.latents.log_q - still)  # the same value, but q moves z only
        weight = torch.softmax(log_w.detach(), 0)
        if z.requires_grad:
            z.register_hook(lambda grad: grad * weight.view(*weight.shape, *[1] * (grad.dim() - 2)).to(grad))
        values = importance_bound(value.detach())
        slope = -(weight * log_w).sum(0).mean()
        return terms_of(bound, values, slope + (-values.mean() - slope).detach())
