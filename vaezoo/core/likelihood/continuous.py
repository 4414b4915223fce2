"""The continuous Bernoulli: the Bernoulli's shape, normalised to a density on [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core.likelihood.base import Likelihood, by_sample, cropped
from vaezoo.core.likelihood.kind import LikelihoodKind


def _split(logits: Tensor, edge: float) -> tuple[Tensor, Tensor, Tensor]:
    """Returns a mask |l| < edge, then l where it holds and where not. Elsewhere both have a harmless value."""
    near = logits.abs() < edge
    return near, torch.where(near, logits, 0.0), torch.where(near, 1.0, logits)


def log_normaliser(logits: Tensor) -> Tensor:
    """Returns log C = log(l / tanh(l/2)) of C·λˣ(1−λ)¹⁻ˣ, for l = logit λ. Uses its series where |l| < 0.1."""
    near, small, large = _split(logits, 0.1)
    series = math.log(2) + small**2 / 12 - 7 * small**4 / 1440
    return torch.where(near, series, large.abs().log() - torch.tanh(large.abs() / 2).log())


@final
@dataclass(frozen=True)
class ContinuousBernoulli(Likelihood):
    """C(λ)·λˣ(1−λ)¹⁻ˣ per pixel. It is a density on [0, 1], so its nats may be negative.

    Args:
        logits: logit λ, (K·B, C, H, W).

    Source: The continuous Bernoulli (Loaiza-Ganem and Cunningham, 2019), arXiv:1907.06845.
    """

    logits: Tensor

    @property
    def image(self) -> Tensor:
        """Mean, 1/(1−e⁻ˡ) − 1/l, which is nearer to 1/2 than λ."""
        near, small, large = _split(self.logits.float(), 0.3)
        series = 0.5 + small / 12 - small**3 / 720
        mean = torch.sigmoid(large) / torch.tanh(large / 2) - 1 / large
        return torch.where(near, series, mean).to(self.logits.dtype)

    @property
    def scale(self) -> Tensor:
        """Standard deviation, the root of 1/l² − 1/(4·sinh²(l/2))."""
        near, small, large = _split(self.logits.float(), 0.5)
        series = 1 / 12 - small**2 / 240 + small**4 / 6048
        half = (large.abs() / 2).clamp_max(40.0)  # sinh² of more overflows fp32; its inverse is 0 long before
        variance = torch.where(near, series, 1 / large**2 - 0.25 / torch.sinh(half) ** 2)
        return variance.sqrt().to(self.logits.dtype)

    def log_prob(self, x: Tensor) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        logits = by_sample(self.logits, x)
        cross = F.binary_cross_entropy_with_logits(logits, x.float().expand_as(logits), reduction="none")
        return (log_normaliser(logits) - cross).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> ContinuousBernoulli:
        """See :meth:`Likelihood.crop`."""
        return ContinuousBernoulli(cropped(self.logits, size))


@final
class ContinuousBernoulliKind(LikelihoodKind):
    """``continuous-bernoulli``: features are logits."""

    gives = ContinuousBernoulli

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> ContinuousBernoulli:
        """See :meth:`LikelihoodKind.forward`; the base is ignored."""
        return ContinuousBernoulli(features)
