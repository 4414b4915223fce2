"""Categorical posteriors, alone or with a Gaussian one. The priors set their relaxation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from vaezoo.core import DiagonalGaussian, Noise, Posterior, diagonal_gaussian, kl

FLOOR = 1e-30
"""Smallest share of a class, so that its logarithm is finite in fp32."""


@final
@dataclass(frozen=True)
class Categorical(Posterior):
    """Variables of C classes each, as one-hot vectors or as points of the simplex between them.

    Straight-through samples are one-hot and exact samples of the categorical distribution. Their gradient is that of
    the relaxed samples, hence biased. ``log_prob`` is then a log probability. Relaxed samples are points of the
    simplex, and ``log_prob`` is the density of the Concrete distribution, with respect to the first C − 1 coordinates.

    Args:
        logits: Logits (B, D) or (B, D, h, w), with D = variables · C.
        classes: Number C of classes.
        temperature: Temperature τ > 0 of the relaxation.
        straight_through: Whether samples are one-hot.

    Source: Categorical Reparameterization with Gumbel-Softmax (Jang et al., 2016), section 2, arXiv:1611.01144; The
    Concrete Distribution (Maddison et al., 2016), definition 1, arXiv:1611.00712.
    """

    logits: Tensor
    classes: int
    temperature: float | Tensor = 1.0
    straight_through: bool = True

    @property
    def log_shares(self) -> Tensor:
        """Log probabilities, (B, variables, C, ...)."""
        return torch.log_softmax(self.logits.float().unflatten(1, (-1, self.classes)), 2)

    @property
    def mean(self) -> Tensor:
        """Probabilities, (B, D, ...)."""
        return self.log_shares.exp().flatten(1, 2).to(self.logits.dtype)

    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draws K samples per image.

        At temperature 0 of the noise: the likeliest class, or the softmax of logits / τ.
        """
        uniform = (noise or Noise()).uniform(
            (k, *self.logits.shape), self.logits.detach().float(), level=level, stride=stride
        )
        gumbel = -torch.log(-torch.log(uniform)).unflatten(2, (-1, self.classes))
        soft = torch.softmax((self.log_shares + gumbel) / self.temperature, 3)
        if self.straight_through:
            hard = torch.zeros_like(soft).scatter(3, soft.argmax(3, keepdim=True), 1.0)
            z = (hard + soft - soft.detach()).flatten(2, 3).to(self.logits.dtype)
            return z, self.log_prob(hard.flatten(2, 3))
        z = soft.clamp_min(FLOOR).flatten(2, 3).to(self.logits.dtype)
        return z, self.log_prob(z)

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns log q(z), (K, B, ...) to (K, B) nats: a log probability, or a log density if relaxed."""
        z = z.float().unflatten(2, (-1, self.classes))
        if self.straight_through:
            return (z * self.log_shares).flatten(2).sum(2)
        log_z = torch.log(z.clamp_min(FLOOR))
        tilted = self.log_shares - self.temperature * log_z
        each = (tilted - log_z).sum(3) - self.classes * torch.logsumexp(tilted, 3)
        constant = math.lgamma(self.classes) + (self.classes - 1) * torch.log(torch.as_tensor(self.temperature))
        return (each + constant).flatten(2).sum(2)

    def rate(self) -> Tensor:
        """Returns KL from the categorical distribution to the uniform one, log C minus the entropy, (B,) nats."""
        log_shares = self.log_shares
        return (log_shares.exp() * (log_shares + math.log(self.classes))).flatten(1).sum(1)


@final
@dataclass(frozen=True)
class GaussianCategorical(Posterior):
    """Gaussian latents and, in the last channels, one categorical variable. The two are independent.

    Args:
        gaussian: Belief about the first D − C channels.
        categorical: Belief about the last C channels.
    """

    gaussian: DiagonalGaussian
    categorical: Categorical

    @property
    def mean(self) -> Tensor:
        """Means and probabilities, (B, D, ...)."""
        return torch.cat([self.gaussian.mean, self.categorical.mean], 1)

    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draws K samples per image of both; see :meth:`vaezoo.core.Posterior.sample`."""
        first, log_first = self.gaussian.sample(k, noise, stride=stride, level=level)
        second, log_second = self.categorical.sample(k, noise, stride=stride, level=level + 1)
        return torch.cat([first, second], 2), log_first + log_second

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns the sum of both, (K, B, ...) to (K, B) nats."""
        first, second = z.split([z.shape[2] - self.categorical.classes, self.categorical.classes], 2)
        return self.gaussian.log_prob(first) + self.categorical.log_prob(second)

    def rates(self) -> tuple[Tensor, Tensor]:
        """Returns the exact rates under N(0, I) and the uniform law, each (B,) nats."""
        return kl(self.gaussian), self.categorical.rate()

    def relaxed(self, temperature: Tensor, straight_through: bool) -> GaussianCategorical:
        """Returns this belief with another relaxation of the categorical variable."""
        return replace(self, categorical=relaxed(self.categorical, temperature, straight_through))


def relaxed(belief: Categorical, temperature: Tensor, straight_through: bool) -> Categorical:
    """Returns the same variables with another relaxation."""
    return replace(belief, temperature=temperature, straight_through=straight_through)


def categorical(raw: Tensor, classes: int) -> Categorical:
    """Makes variables of their logits, raw channels (B, D, ...)."""
    return Categorical(raw, classes)


def gaussian_categorical(raw: Tensor, classes: int) -> GaussianCategorical:
    """Makes a belief of raw channels (B, 2·D − C, ...): means and log-variances, then logits."""
    gaussian, logits = raw.split([raw.shape[1] - classes, classes], 1)
    return GaussianCategorical(diagonal_gaussian(gaussian), Categorical(logits, classes))
