"""Beliefs about an image: what a decoder returns. Rows are K·B, the target has B."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, final

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import NotNormalised, ShapeError
from .posterior import gaussian_log_prob


def _by_sample(rows: Tensor, x: Tensor) -> Tensor:
    """Returns (K·B, C, H, W) as (K, B, C, H, W), in fp32.

    Raises:
        ShapeError: The target's images have another shape than the likelihood's, or do not divide its rows.
    """
    if rows.shape[1:] != x.shape[1:] or rows.shape[0] % x.shape[0]:
        raise ShapeError(
            f"Expected a target (B, C, H, W) that fits a likelihood of {tuple(rows.shape)}, got {tuple(x.shape)}.",
            value=x.shape,
        )
    return rows.float().view(-1, *x.shape)


def _crop(tensor: Tensor, size: tuple[int, int]) -> Tensor:
    """Cuts padding off; a tensor that broadcasts over pixels stays as it is."""
    if tensor.dim() < 4 or tensor.shape[-2:] == (1, 1):
        return tensor
    return tensor[..., : size[0], : size[1]]


class Likelihood(ABC):
    """p(x|z) for K·B rows.

    Attributes:
        image: The mean image (K·B, C, H, W).
        scale: Standard deviation per pixel, broadcastable to the image, in its unit; None where unknown.
        normalised: Whether ``log_prob`` is a density of x; pseudo-likelihoods say False and NLL refuses them.
    """

    normalised: ClassVar[bool] = True

    if TYPE_CHECKING:  # a field here, a property there

        @property
        def image(self) -> Tensor:
            """The mean image."""
            ...

        @property
        def scale(self) -> Tensor | None:
            """The standard deviation."""
            ...

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """Returns log p(x|z), summed over pixels and channels: x (B, C, H, W) to (K, B) nats."""

    @abstractmethod
    def crop(self, size: tuple[int, int]) -> Likelihood:
        """Returns the likelihood of the top left (H, W) pixels: what is left when padding is cut off."""


@final
@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """A coin per pixel, given by logits.

    For a gray x in [0, 1] the value is the expected log-likelihood over binarisations b ~ Bernoulli(x), so
    the bound holds for binarised pictures; an importance-weighted NLL needs x itself binary.

    Args:
        logits: (K·B, C, H, W).
    """

    logits: Tensor

    @property
    def image(self) -> Tensor:
        """The probabilities."""
        return torch.sigmoid(self.logits)

    @property
    def scale(self) -> Tensor:
        """sqrt(p(1−p))."""
        p = self.image
        return torch.sqrt(p * (1 - p))

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns Σ x·log p + (1−x)·log(1−p), from logits l as x·l − log(1 + eˡ); see :meth:`Likelihood.log_prob`.

        That form takes 0.6 of the time of torch's binary cross entropy on a CPU, and the same values.
        """
        logits = _by_sample(self.logits, x)
        return (x.float() * logits - F.softplus(logits)).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> Bernoulli:
        """See :meth:`Likelihood.crop`."""
        return Bernoulli(_crop(self.logits, size))


@final
@dataclass(frozen=True)
class Gaussian(Likelihood):
    """N(image, exp(logvar)) per pixel, a density of continuous pixels: its nats may be negative.

    Args:
        image: Mean (K·B, C, H, W).
        logvar: log σ², broadcastable to the image: one number, or one per pixel.
    """

    image: Tensor
    logvar: Tensor

    @property
    def scale(self) -> Tensor:
        """σ, of the image's shape."""
        return torch.exp(0.5 * self.logvar).expand_as(self.image)

    def log_prob(self, x: Tensor) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        mean = _by_sample(self.image, x)
        logvar = self.logvar.float().expand_as(self.image).reshape(mean.shape)
        return gaussian_log_prob(x, mean, logvar).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> Gaussian:
        """See :meth:`Likelihood.crop`."""
        return Gaussian(_crop(self.image, size), _crop(self.logvar, size))


@final
@dataclass(frozen=True)
class OptimalGaussian(Likelihood):
    """A Gaussian whose one variance an image is the best one for that image, σ² = mean (x − image)².

    It looks at x to set its width, so it is no density of x: good for training, refused by NLL.

    Args:
        image: Mean (K·B, C, H, W).

    Source: Simple and Effective VAE Training with Calibrated Decoders (Rybkin et al., 2021), arXiv:2006.13202.
    """

    normalised: ClassVar[bool] = False
    image: Tensor

    @property
    def scale(self) -> None:
        """Unknown without the target."""
        return None

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns −½·D·(log 2πσ² + 1) at the best σ², floored at (1/512)²; see :meth:`Likelihood.log_prob`."""
        error = (x.float() - _by_sample(self.image, x)) ** 2
        variance = error.flatten(2).mean(2).clamp_min(512.0**-2)
        pixels = x[0].numel()
        return -0.5 * (pixels * torch.log(2 * math.pi * variance) + error.flatten(2).sum(2) / variance)

    def crop(self, size: tuple[int, int]) -> OptimalGaussian:
        """See :meth:`Likelihood.crop`."""
        return replace(self, image=_crop(self.image, size))


@final
@dataclass(frozen=True)
class Laplace(Likelihood):
    """exp(−|x − image|/b)/2b per pixel: the density behind an absolute error.

    Args:
        image: Median and mean (K·B, C, H, W).
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
        median = _by_sample(self.image, x)
        log_b = self.log_b.float().expand_as(self.image).reshape(median.shape)
        return -(math.log(2) + log_b + (x.float() - median).abs() * torch.exp(-log_b)).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> Laplace:
        """See :meth:`Likelihood.crop`."""
        return Laplace(_crop(self.image, size), _crop(self.log_b, size))


def check_density(likelihood: Likelihood, x: Tensor) -> None:
    """Refuses a likelihood whose log_prob of x is not that of a normalised density.

    Raises:
        NotNormalised: It looks at x, or x is gray under a Bernoulli.
    """
    if not likelihood.normalised:
        raise NotNormalised(
            f"{type(likelihood).__name__} is no density of x, so it has no NLL.",
            hint="Report the ELBO's parts, or PSNR.",
            value=type(likelihood).__name__,
        )
    if isinstance(likelihood, Bernoulli) and not ((x == 0) | (x == 1)).all():
        raise NotNormalised(
            "A Bernoulli likelihood has an NLL for binary pixels only, got gray ones.",
            hint="Binarise the images: (x > torch.rand_like(x)).float(), or x.round().",
            value=type(likelihood).__name__,
        )
