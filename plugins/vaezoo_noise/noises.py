"""p(y | s) for a noisy pixel y and its clean signal s: Gaussian, and Poisson-Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol, final

import torch
from torch import Tensor

from vaezoo.core import Likelihood, by_sample, cropped, gaussian_log_prob


class Density(Protocol):
    """A noise model: the log density of a pixel given its signal."""

    def log_density(self, y: Tensor, signal: Tensor) -> Tensor:
        """Returns log p(y|s) per element, in nats, for two tensors of one shape."""
        ...


@final
@dataclass(frozen=True)
class GaussianNoise:
    """y = s + σ·ε.

    Args:
        log_sigma: log σ, a number.
    """

    log_sigma: Tensor

    def log_density(self, y: Tensor, signal: Tensor) -> Tensor:
        """See :meth:`Density.log_density`."""
        return gaussian_log_prob(y, signal, 2 * self.log_sigma)


@final
@dataclass(frozen=True)
class PoissonGaussianNoise:
    """A Gaussian of variance a·s + b: the normal approximation of photon counts and read noise.

    Args:
        log_gain: log a, a number.
        log_floor: log b, a number.

    Source: Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data (Foi et al., 2008).
    """

    log_gain: Tensor
    log_floor: Tensor

    def log_density(self, y: Tensor, signal: Tensor) -> Tensor:
        """See :meth:`Density.log_density`. A signal below 0 has the variance of 0."""
        variance = torch.exp(self.log_gain) * signal.float().clamp_min(0) + torch.exp(self.log_floor)
        return gaussian_log_prob(y, signal, variance.log())


@final
@dataclass(frozen=True)
class Noisy(Likelihood):
    """p(noisy image | clean image), pixel by pixel. ``image`` is the clean one.

    Args:
        image: Clean signal s, (K·B, C, H, W).
        noise: Noise model p(y|s).
    """

    image: Tensor
    noise: Density

    @property
    def scale(self) -> None:
        """None: the width of the noise says nothing about the error of the signal. Samples do."""
        return None

    def log_prob(self, x: Tensor) -> Tensor:
        """See :meth:`vaezoo.core.Likelihood.log_prob`. x is the noisy image."""
        signal = by_sample(self.image, x)
        return self.noise.log_density(x.float().expand_as(signal), signal).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> Noisy:
        """See :meth:`vaezoo.core.Likelihood.crop`."""
        return replace(self, image=cropped(self.image, size))


def fit_poisson_gaussian(y: Tensor, signal: Tensor, steps: int = 30) -> PoissonGaussianNoise:
    """Fits a and b to pairs, by iteratively reweighted least squares of the squared error on the signal.

    Args:
        y: Noisy pixels, of any shape.
        signal: Clean pixels of the same shape, or an estimate of them by denoising.
        steps: Number of iterations. Each weights by the variances of the last.
    """
    s, square = signal.double().flatten().clamp_min(0), (y.double() - signal.double()).flatten() ** 2
    design, variance = torch.stack([s, torch.ones_like(s)], 1), square.mean().expand_as(square)
    solution = torch.zeros(2, dtype=torch.float64)
    for _ in range(steps):
        weighted = design / variance[:, None] ** 2
        solution = torch.linalg.solve(weighted.T @ design, weighted.T @ square).clamp_min(1e-10)
        variance = design @ solution
    gain, floor = (math.log(float(v)) for v in solution)
    return PoissonGaussianNoise(torch.tensor(gain), torch.tensor(floor))
