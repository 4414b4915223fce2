"""Semi-amortised refinement: moves the encoder's Gaussian, for each image, by a few steps up the bound."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from vaezoo.core import (
    LOGVAR_MAX,
    LOGVAR_MIN,
    DiagonalGaussian,
    LogJoint,
    Noise,
    Posterior,
    Refinement,
    check_gradients,
)
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import NotNormalised

from .facts import SemiAmortisedRefinementConfig

ASCENT = 2
"""Level of the noise that estimates the bound. The samples themselves have level 0."""


@final
class SemiAmortisedRefinement(Refinement):
    """Moves μ and log σ² up the bound of the image, then samples from the resulting Gaussian.

        encoder ─► μ, log σ² ─► steps up E_q[log p(x, z)] + H(q) ─► μ', log σ'² ─► z, log q

    A step follows the natural gradient, (σ²·∂/∂μ, 2·∂/∂log σ²), limited to one σ in each mean and to 1 in each log σ².
    The bound is estimated by antithetic pairs of draws other than the samples, since a sample must not have influenced
    the density that weights it. All images and samples share these draws, so that the batch does not affect an image.
    On the mean path they are fixed, since without draws nothing tells how wide q may be.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Semi-Amortized Variational Autoencoders (Kim et al., 2018), algorithm 1, arXiv:1802.02550; the natural
    gradient: Stochastic Variational Inference (Hoffman et al., 2013), section 2.3, arXiv:1206.7051.
    """

    @accepts_keywords(SemiAmortisedRefinementConfig)
    def __init__(self, config: SemiAmortisedRefinementConfig) -> None:
        super().__init__()
        self.steps, self.rate, self.draws, self.through = config.steps, config.rate, config.draws, config.through

    def forward(
        self, belief: Posterior, log_joint: LogJoint, k: int = 1, noise: Noise | None = None, *, stride: int = 1
    ) -> tuple[Tensor, Tensor]:
        """See :meth:`vaezoo.core.Refinement.forward`.

        Raises:
            NotNormalised: The belief is not a diagonal Gaussian.
        """
        if not isinstance(belief, DiagonalGaussian):
            raise NotNormalised(
                f"A semi-amortised refinement moves a DiagonalGaussian, got {type(belief).__name__}.",
                hint="Choose an encoder with a Gaussian posterior, or leave refine out.",
                value=type(belief).__name__,
            )
        noise = noise or Noise()
        fixed = Noise(seed=0, field=noise.field) if noise.temperature == 0 else replace(noise, temperature=1.0, index=0)
        refined = self.ascend(belief, log_joint, fixed, stride)
        return refined.sample(k, noise, stride=stride)

    def ascend(self, belief: DiagonalGaussian, log_joint: LogJoint, noise: Noise, stride: int = 1) -> DiagonalGaussian:
        """Returns the Gaussian after all steps.

        Args:
            belief: Gaussian to start from.
            log_joint: Function that computes log p(x, z), (K, B, ...) to (K, B) nats.
            noise: Source of the draws for the estimates.
            stride: Pixels per latent cell.
        """
        check_gradients("A semi-amortised refinement")
        again = self.through and torch.is_grad_enabled()
        mean, logvar = start = belief.mean.float(), belief.logvar.float()
        for number in range(self.steps):
            half = noise.normal((self.draws, 1, *mean.shape[1:]), mean, level=ASCENT + number % 60, stride=stride)
            eps = torch.cat([half, -half])
            with torch.enable_grad():
                if not (again and mean.requires_grad):
                    mean, logvar = mean.detach().requires_grad_(), logvar.detach().requires_grad_()
                bound = log_joint(mean + torch.exp(0.5 * logvar) * eps).mean(0) + 0.5 * logvar.flatten(1).sum(1)
                up, wider = torch.autograd.grad(bound.sum(), (mean, logvar), create_graph=again)
            sigma = torch.exp(0.5 * logvar)
            mean = mean + self.rate * sigma * (sigma * up).clamp(-1, 1)
            logvar = (logvar + self.rate * (2 * wider).clamp(-1, 1)).clamp(LOGVAR_MIN, LOGVAR_MAX)
        if not again:
            mean, logvar = (old + (new - old).detach() for new, old in zip((mean, logvar), start, strict=True))
        return DiagonalGaussian(mean, logvar)
