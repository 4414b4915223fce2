"""Pixels of 256 levels, each with a probability, under a discretised mixture of logistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core.beliefs.posterior import bound_logvar
from vaezoo.core.likelihood.base import Likelihood, by_sample, cropped
from vaezoo.core.likelihood.kind import LikelihoodKind
from vaezoo.errors import ConfigError

LOG_WIDTH = (-7.0, 0.0)
"""Soft bounds of log s: from a quarter of a level to the whole range."""


@final
@dataclass(frozen=True)
class LogisticMixture(Likelihood):
    """A discretised mixture of M logistics per pixel. It is a probability mass, so its nats are below 0.

    A pixel's component is shared by its channels, which makes them correlated, as in PixelCNN++. Unlike there, the
    means of green and blue do not depend on the channels before them. A value between two levels counts as the nearest.

    Args:
        logits: Logits of the components, (K·B, M, H, W).
        mean: Centres, (K·B, M, C, H, W), in or slightly beyond [0, 1].
        log_s: Logarithm of the logistics' scale, of the same shape.
        levels: Number of levels L. Level i is the value i/(L−1). The two outer bins reach to infinity.

    Source: PixelCNN++ (Salimans et al., 2017), eq. 1 and 2, arXiv:1701.05517.
    """

    logits: Tensor
    mean: Tensor
    log_s: Tensor
    levels: int = 256

    @property
    def _shares(self) -> Tensor:
        return torch.softmax(self.logits.float(), 1)[:, :, None]

    @property
    def image(self) -> Tensor:
        """Mean of the mixture, clipped to [0, 1]. It is within half a level of the mean over levels."""
        mean, s = self.mean.float(), torch.exp(self.log_s.float())
        clipped = s * (F.softplus(mean / s) - F.softplus((mean - 1) / s))
        return (self._shares * clipped).sum(1).to(self.mean.dtype)

    @property
    def scale(self) -> Tensor:
        """Standard deviation before clipping and discretising. Clipping can only lower it."""
        mean, s, shares = self.mean.float(), torch.exp(self.log_s.float()), self._shares
        centre = (shares * mean).sum(1, keepdim=True)
        variance = (shares * ((mean - centre) ** 2 + (math.pi * s) ** 2 / 3)).sum(1)
        return variance.sqrt().to(self.mean.dtype)

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns the log probability of the levels; see :meth:`Likelihood.log_prob`.

        The probability of a bin is σ(b) − σ(a) = σ(b)·σ(−a)·(1 − e^(a−b)), a form that stays accurate in the tails.
        """
        k = by_sample(self.mean[:, 0], x).shape[0]
        logits, mean, log_s = (t.float().unflatten(0, (k, x.shape[0])) for t in (self.logits, self.mean, self.log_s))
        level = (x.float() * (self.levels - 1)).round().clamp(0, self.levels - 1)[:, None]  # (B, 1, C, H, W)
        inverse = torch.exp(-log_s)
        upper = ((level + 0.5) / (self.levels - 1) - mean) * inverse
        lower = ((level - 0.5) / (self.levels - 1) - mean) * inverse
        below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
        inner = below + above + torch.log(-torch.expm1(-inverse / (self.levels - 1)))
        mass = torch.where(level == 0, below, torch.where(level == self.levels - 1, above, inner))
        pixels = torch.logsumexp(F.log_softmax(logits, 2) + mass.sum(3), 2)  # (K, B, H, W)
        return pixels.flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> LogisticMixture:
        """See :meth:`Likelihood.crop`."""
        logits, mean, log_s = (cropped(t, size) for t in (self.logits, self.mean, self.log_s))
        return LogisticMixture(logits, mean, log_s, self.levels)


@final
class LogisticMixtureKind(LikelihoodKind):
    """``logistic-mixture``: features are logits, centres and widths of M components.

    Args:
        components: Number M of components.
        levels: Number L of levels.

    Raises:
        ConfigError: ``components`` is below 1, or ``levels`` below 2.
    """

    gives = LogisticMixture

    def __init__(self, components: int = 5, levels: int = 256) -> None:
        super().__init__()
        if components < 1 or levels < 2:
            raise ConfigError(
                f"Expected at least 1 component and 2 levels, got {components} and {levels}.",
                value=(components, levels),
            )
        self.components, self.levels = components, levels

    @property
    def outputs(self) -> int:
        """Number of feature channels, M·(1 + 2·C)."""
        return self.components * (1 + 2 * self.channels)

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> LogisticMixture:
        """See :meth:`LikelihoodKind.forward`. Centres start at the base if there is one, else spread over [0, 1]."""
        raw, values = features[:, : self.components], features[:, self.components :]
        mean, width = values.unflatten(1, (2, self.components, self.channels)).unbind(1)
        if base is None:
            start = (torch.arange(self.components, device=mean.device) + 0.5) / self.components
            mean = mean + start.to(mean)[:, None, None, None]
        else:
            mean = base[:, None] + mean
        return LogisticMixture(raw, mean, bound_logvar(width.float() - 2.5, *LOG_WIDTH), self.levels)
