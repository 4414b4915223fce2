"""Beliefs about latents: what an encoder returns. Networks are elsewhere."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaezoo.core.beliefs import belief_kind, maker
from vaezoo.core.noise import Noise
from vaezoo.core.shapes import sum_rows

LOGVAR_MIN, LOGVAR_MAX = -14.0, 8.0


def bound_logvar(raw: Tensor, low: float = LOGVAR_MIN, high: float = LOGVAR_MAX) -> Tensor:
    """Returns log σ² held softly in (low, high): the identity near the middle, with a gradient everywhere."""
    centre, half = (high + low) / 2, (high - low) / 2
    return centre + half * torch.tanh((raw - centre) / half)


def unbound_logvar(logvar: Tensor, low: float = LOGVAR_MIN, high: float = LOGVAR_MAX) -> Tensor:
    """Returns the raw number that :func:`bound_logvar` makes ``logvar``, in (low, high), of."""
    centre, half = (high + low) / 2, (high - low) / 2
    return centre + half * torch.atanh((logvar - centre) / half)


def gaussian_log_prob(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Returns log N(z; mean, exp(logvar)) per element, in nats and fp32."""
    z, mean, logvar = z.float(), mean.float(), logvar.float()
    return -0.5 * (math.log(2 * math.pi) + logvar + (z - mean) ** 2 * torch.exp(-logvar))


def believe(raw: Tensor, kind: str) -> Posterior:
    """Returns the belief that a network's last layer (B, c, ...) states.

    Args:
        raw: As many channels as :func:`vaezoo.core.beliefs.belief_channels` says: means and raw log-variances, c = 2·D,
            for ``gaussian``; the points themselves, c = D, for ``dirac``.
        kind: As :func:`vaezoo.core.facts.check_belief` lets pass.
    """
    posterior: Posterior = maker(kind)(raw, **belief_kind(kind).options)
    return posterior


def diagonal_gaussian(raw: Tensor) -> DiagonalGaussian:
    """Returns the Gaussian that means and raw log-variances (B, 2·D, ...) state."""
    mean, logvar = raw.chunk(2, 1)
    return DiagonalGaussian(mean, bound_logvar(logvar))


class Posterior(ABC):
    """A belief about one group of latents, q(z|x), for B images.

    Attributes:
        mean: Its centre, (B, D) or (B, D, h, w).
    """

    if TYPE_CHECKING:  # a field here, a property there

        @property
        def mean(self) -> Tensor:
            """The centre."""
            ...

    @abstractmethod
    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor | None]:
        """Draws K samples an image.

        Returns:
            z (K, B, ...) and the log density of that draw (K, B) in nats, or None where there is none.
        """

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Returns the log density of z (K, B, ...), in nats, (K, B)."""


@final
@dataclass(frozen=True)
class DiagonalGaussian(Posterior):
    """N(mean, diag exp(logvar)).

    Args:
        mean: μ, (B, D) or (B, D, h, w).
        logvar: log σ², of the same shape; bounded by whoever makes it (:func:`bound_logvar`).
    """

    mean: Tensor
    logvar: Tensor

    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draws z = μ + σ·ε; see :meth:`Posterior.sample`."""
        eps = (noise or Noise()).normal((k, *self.mean.shape), self.mean, level=level, stride=stride)
        z = self.mean + torch.exp(0.5 * self.logvar) * eps
        return z, self.log_prob(z)

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns log N(z; μ, σ²), summed over latents: (K, B, ...) to (K, B) nats."""
        return gaussian_log_prob(z, self.mean, self.logvar).flatten(2).sum(2)


@final
@dataclass(frozen=True)
class Dirac(Posterior):
    """All mass on one point: a deterministic encoder. It has no density, so no rate and no bound.

    Args:
        mean: The point, (B, D) or (B, D, h, w).
    """

    mean: Tensor

    def sample(self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0) -> tuple[Tensor, None]:
        """Returns the point K times, without a density."""
        return self.mean.expand(k, *self.mean.shape), None

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns 0 at the point and minus infinity elsewhere."""
        hit = (z == self.mean).flatten(2).all(2)
        return torch.where(hit, 0.0, -math.inf)


@final
@dataclass(frozen=True)
class Pyramid:
    """Evidence at several scales, coarse to fine: not yet a belief, a ladder prior makes one of it.

    Args:
        features: Each (B, c, h, w).
    """

    features: tuple[Tensor, ...]


def kl(q: DiagonalGaussian, p: DiagonalGaussian | None = None) -> Tensor:
    """Returns the Kullback-Leibler divergence from q to p, exactly.

    KL(q‖p) = ½ Σ [ (μq−μp)²/σp² + σq²/σp² − 1 − log σq²/σp² ]

    Args:
        q: Posterior, B rows.
        p: Another Gaussian of the same shape; None is N(0, I).

    Returns:
        Nats per image, shape (B,), never negative.

    Source: Auto-Encoding Variational Bayes (Kingma and Welling, 2013), appendix B, arXiv:1312.6114.
    """
    mean, logvar = q.mean.float(), q.logvar.float()
    if p is not None:
        gap = logvar - p.logvar.float()
        return 0.5 * sum_rows((mean - p.mean.float()) ** 2 * torch.exp(-p.logvar.float()) + torch.expm1(gap) - gap)
    return 0.5 * sum_rows(mean**2 + torch.expm1(logvar) - logvar)
