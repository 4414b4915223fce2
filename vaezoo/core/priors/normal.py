"""The standard normal prior."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from vaezoo.core.beliefs.covariance import FullGaussian
from vaezoo.core.beliefs.posterior import DiagonalGaussian, kl
from vaezoo.core.context import Context
from vaezoo.core.facts import accepts_keywords
from vaezoo.core.facts.builtin import NormalPriorConfig
from vaezoo.core.priors.axes import slerp
from vaezoo.core.priors.prior import FlatPrior


@final
class NormalPrior(FlatPrior):
    """The standard normal distribution, N(0, I).

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    exact_for = (DiagonalGaussian, FullGaussian)

    @accepts_keywords(NormalPriorConfig)
    def __init__(self, config: NormalPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns −½ Σ (z² + log 2π)."""
        return -0.5 * (z.float() ** 2 + math.log(2 * math.pi)).flatten(2).sum(2)

    def rate(self, posterior: DiagonalGaussian | FullGaussian, context: Context) -> Tensor:
        """Returns KL(q‖N(0, I)), see :func:`vaezoo.core.kl`."""
        return posterior.rate() if isinstance(posterior, FullGaussian) else kl(posterior)

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns the noise itself."""
        return eps

    def interpolate(self, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
        """See :func:`vaezoo.core.priors.axes.slerp`."""
        return slerp(start, end, shares)

    def values_at(self, units: Tensor, channels: int, context: Context) -> Tensor:
        """See :meth:`Prior.values_at`."""
        return units[:, None].expand(-1, channels)
