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
    """Returns log σ², softly bounded to (low, high): near the identity in the middle, with a gradient everywhere."""
    centre, half = (high + low) / 2, (high - low) / 2
    return centre + half * torch.tanh((raw - centre) / half)


def unbound_logvar(logvar: Tensor, low: float = LOGVAR_MIN, high: float = LOGVAR_MAX) -> Tensor:
    """Returns the inverse of :func:`bound_logvar`, for a ``logvar`` in (low, high)."""
    centre, half = (high + low) / 2, (high - low) / 2
    return centre + half * torch.atanh((logvar - centre) / half)


def gaussian_log_prob(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Returns log N(z; mean, exp(logvar)) per element, in nats and fp32."""
    z, mean, logvar = z.float(), mean.float(), logvar.float()
    return -0.5 * (math.log(2 * math.pi) + logvar + (z - mean) ** 2 * torch.exp(-logvar))


def believe(raw: Tensor, kind: str) -> Posterior:
    """Makes a belief of the output (B, c, ...) of a network's last layer.

    Args:
        raw: Output of the network, with the number of channels that :func:`vaezoo.core.beliefs.belief_channels` says.
            For
            ``gaussian``: means and raw log-variances, c = 2·D. For ``dirac``: the points, c = D.
        kind: Kind of belief, valid for :func:`vaezoo.core.facts.check_belief`.
    """
    posterior: Posterior = maker(kind)(raw, **belief_kind(kind).options)
    return posterior


def diagonal_gaussian(raw: Tensor) -> DiagonalGaussian:
    """Makes a Gaussian of means and raw log-variances (B, 2·D, ...)."""
    mean, logvar = raw.chunk(2, 1)
    return DiagonalGaussian(mean, bound_logvar(logvar))


class Posterior(ABC):
    """A belief q(z|x) about one group of latents, for B images.

    Attributes:
        mean: Centre of the belief, (B, D) or (B, D, h, w).
    """

    if TYPE_CHECKING:  # some subclasses have a field, others a property

        @property
        def mean(self) -> Tensor:
            """Centre of the belief."""
            ...

    @abstractmethod
    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor | None]:
        """Draws K samples of each image.

        Returns:
            z, (K, B, ...), and its log density, (K, B) nats, or None where the belief has no density.
        """

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Returns the log density of z (K, B, ...) in nats, (K, B)."""


@final
@dataclass(frozen=True)
class DiagonalGaussian(Posterior):
    """N(mean, diag exp(logvar)).

    Args:
        mean: μ, (B, D) or (B, D, h, w).
        logvar: log σ², of the same shape. Whoever makes it bounds it, by :func:`bound_logvar`.
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
    """A point mass: the belief of a deterministic encoder. It has no density, hence no rate and no bound.

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
    """Evidence at several scales, coarse to fine. It is no belief yet: a ladder prior makes one of it.

    Args:
        features: Tensor (B, c, h, w) for each scale.
    """

    features: tuple[Tensor, ...]


def kl(q: DiagonalGaussian, p: DiagonalGaussian | None = None) -> Tensor:
    """Returns the exact Kullback-Leibler divergence from q to p.

    KL(q‖p) = ½ Σ [ (μq−μp)²/σp² + σq²/σp² − 1 − log σq²/σp² ]

    Args:
        q: Posterior, B rows.
        p: Another Gaussian of the same shape. None means N(0, I).

    Returns:
        Nats per image, shape (B,), never negative.

    Source: Auto-Encoding Variational Bayes (Kingma and Welling, 2013), appendix B, arXiv:1312.6114.
    """
    mean, logvar = q.mean.float(), q.logvar.float()
    if p is not None:
        gap = logvar - p.logvar.float()
        return 0.5 * sum_rows((mean - p.mean.float()) ** 2 * torch.exp(-p.logvar.float()) + torch.expm1(gap) - gap)
    return 0.5 * sum_rows(mean**2 + torch.expm1(logvar) - logvar)
