"""Likelihoods with one centre and one width per pixel: Bernoulli, Gaussian, optimal Gaussian, Laplace."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from torch import Tensor

from vaezoo.core.beliefs.posterior import gaussian_log_prob
from vaezoo.core.likelihood.base import Likelihood, by_sample, cropped
from vaezoo.core.likelihood.coins import coin_log_prob
from vaezoo.core.likelihood.kind import LikelihoodKind, corrected, known


@final
@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """A Bernoulli variable per pixel, given by logits.

    For a gray x in [0, 1], ``log_prob`` is the expected log-likelihood over binarisations b ~ Bernoulli(x), so the
    bound holds for binarised images. An importance-weighted NLL needs a binary x.

    Args:
        logits: Logits, (K·B, C, H, W).
    """

    logits: Tensor

    @property
    def image(self) -> Tensor:
        """Probabilities."""
        return torch.sigmoid(self.logits)

    @property
    def scale(self) -> Tensor:
        """Standard deviation, sqrt(p(1−p))."""
        p = self.image
        return torch.sqrt(p * (1 - p))

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns Σ x·log p + (1−x)·log(1−p), from logits l as x·l − log(1 + eˡ); see :meth:`Likelihood.log_prob`."""
        return coin_log_prob(x.float().flatten(1), by_sample(self.logits, x).flatten(2))

    def crop(self, size: tuple[int, int]) -> Bernoulli:
        """See :meth:`Likelihood.crop`."""
        return Bernoulli(cropped(self.logits, size))


@final
@dataclass(frozen=True)
class Gaussian(Likelihood):
    """N(image, exp(logvar)) per pixel: a density of continuous values, so its nats may be negative.

    Args:
        image: Mean (K·B, C, H, W).
        logvar: log σ², broadcastable to the image: one number, or one per pixel.
    """

    image: Tensor
    logvar: Tensor

    @property
    def scale(self) -> Tensor:
        """Standard deviation σ, of the image's shape."""
        return torch.exp(0.5 * self.logvar).expand_as(self.image)

    def log_prob(self, x: Tensor) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        mean = by_sample(self.image, x)
        logvar = self.logvar.float().expand_as(self.image).reshape(mean.shape)
        return gaussian_log_prob(x, mean, logvar).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> Gaussian:
        """See :meth:`Likelihood.crop`."""
        return Gaussian(cropped(self.image, size), cropped(self.logvar, size))


@final
@dataclass(frozen=True)
class OptimalGaussian(Likelihood):
    """A Gaussian with one variance per image, the best one for that image: σ² = mean (x − image)².

    Its width depends on x, so it is not a density of x. It serves for training; an NLL refuses it.

    Args:
        image: Mean (K·B, C, H, W).

    Source: Simple and Effective VAE Training with Calibrated Decoders (Rybkin et al., 2021), arXiv:2006.13202.
    """

    normalised: ClassVar[bool] = False
    image: Tensor

    @property
    def scale(self) -> None:
        """None, since it is unknown without the target."""
        return None

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns −½·D·(log 2πσ² + 1) at the best σ², which is at least (1/512)²; see :meth:`Likelihood.log_prob`."""
        error = (x.float() - by_sample(self.image, x)) ** 2
        variance = error.flatten(2).mean(2).clamp_min(512.0**-2)
        pixels = x[0].numel()
        return -0.5 * (pixels * torch.log(2 * math.pi * variance) + error.flatten(2).sum(2) / variance)

    def crop(self, size: tuple[int, int]) -> OptimalGaussian:
        """See :meth:`Likelihood.crop`."""
        return replace(self, image=cropped(self.image, size))


@final
@dataclass(frozen=True)
class Laplace(Likelihood):
    """exp(−|x − image|/b)/2b per pixel: the density that belongs to the absolute error.

    Args:
        image: Mean and median (K·B, C, H, W).
        log_b: log b, broadcastable to the image.
    """

    image: Tensor
    log_b: Tensor

    @property
    def scale(self) -> Tensor:
        """Standard deviation, √2·b, of the image's shape."""
        return (math.sqrt(2) * torch.exp(self.log_b)).expand_as(self.image)

    def log_prob(self, x: Tensor) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        median = by_sample(self.image, x)
        log_b = self.log_b.float().expand_as(self.image).reshape(median.shape)
        return -(math.log(2) + log_b + (x.float() - median).abs() * torch.exp(-log_b)).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> Laplace:
        """See :meth:`Likelihood.crop`."""
        return Laplace(cropped(self.image, size), cropped(self.log_b, size))


@final
class BernoulliKind(LikelihoodKind):
    """``bernoulli``: features are logits."""

    gives = Bernoulli

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Bernoulli:
        """See :meth:`LikelihoodKind.forward`; the base is ignored."""
        return Bernoulli(features)


@final
class GaussianKind(LikelihoodKind):
    """``gaussian``: features are the mean."""

    gives = Gaussian
    scales = ("learned", "pixel")

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Gaussian:
        """See :meth:`LikelihoodKind.forward`."""
        return Gaussian(corrected(features, base), 2 * known(log_scale))


@final
class OptimalGaussianKind(LikelihoodKind):
    """``optimal-gaussian``, or ``gaussian`` with the scale ``optimal``: features are the mean."""

    gives = OptimalGaussian

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> OptimalGaussian:
        """See :meth:`LikelihoodKind.forward`."""
        return OptimalGaussian(corrected(features, base))


@final
class LaplaceKind(LikelihoodKind):
    """``laplace``: features are the median."""

    gives = Laplace
    scales = ("learned", "pixel")

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Laplace:
        """See :meth:`LikelihoodKind.forward`."""
        return Laplace(corrected(features, base), known(log_scale) - 0.5 * math.log(2))
