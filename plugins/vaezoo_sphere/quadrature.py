"""Integrals over the angle under a von Mises-Fisher distribution, in fp64, with gradients.

For the angle θ to the mean direction in R^m, the density is proportional to exp(κ cos θ) sin^{m−2} θ on [0, π]. Its
integral is I_{m/2−1}(κ) up to powers and constants, so no Bessel function is needed. Autograd gives A(κ) = E cos θ, the
ratio of two of them.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

NODES = 128
WIDTHS = 12.0
"""Half the range of integration, in widths of the integrand. What is left out is below exp(−72)."""


@cache
def _rule() -> tuple[tuple[float, ...], tuple[float, ...]]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return tuple(nodes.tolist()), tuple(weights.tolist())


def _grid(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Returns Gauss-Legendre nodes and weights on [low, high], along a new last axis."""
    nodes, weights = (torch.tensor(each, dtype=low.dtype, device=low.device) for each in _rule())
    half = ((high - low) / 2)[..., None]
    return low[..., None] + half * (1 + nodes), half * weights


def _terms(kappa: Tensor, dimensions: int) -> tuple[Tensor, Tensor]:
    """Returns the log of the integrand's terms at the nodes of a grid around its mode, and cos θ − 1 there."""
    with torch.no_grad():
        power = dimensions - 2
        cosine = 2 * kappa / (power + torch.sqrt(power**2 + 4 * kappa**2))
        sine = torch.sqrt((1 - cosine**2).clamp_min(0))
        curvature = kappa * cosine + (power / sine.clamp_min(1e-150) ** 2 if power else 0.0)
        mode, width = torch.atan2(sine, cosine), WIDTHS / torch.sqrt(curvature)
        theta, weights = _grid((mode - width).clamp_min(0), (mode + width).clamp_max(math.pi))
        fixed = torch.log(weights) + (power * torch.log(torch.sin(theta)) if power else 0.0)
    below = -2 * torch.sin(theta / 2) ** 2  # cos θ − 1, accurate for small θ
    return fixed + below * kappa[..., None], below


def log_integral(kappa: Tensor, dimensions: int) -> Tensor:
    """Returns log ∫ exp(κ (cos θ − 1)) sin^{m−2} θ dθ over [0, π].

    Args:
        kappa: Concentration κ > 0 in fp64, of any shape.
        dimensions: Dimensions m, at least 2.
    """
    return torch.logsumexp(_terms(kappa, dimensions)[0], -1)


def mean_cosine(kappa: Tensor, dimensions: int) -> Tensor:
    """Returns A(κ) = E cos θ = I_{m/2}(κ) / I_{m/2−1}(κ), which is 1 plus the slope of :func:`log_integral`."""
    terms, below = _terms(kappa, dimensions)
    return 1 + (torch.softmax(terms, -1) * below).sum(-1)


def cosine_slope(theta: Tensor, kappa: Tensor, dimensions: int) -> Tensor:
    """Returns ∂ cos θ / ∂κ of a sample at a fixed quantile, −(∂F/∂κ)/f: the implicit gradient.

    The integral is over the tail on the sample's side of the mean, to avoid cancellation.

    Source: Implicit Reparameterization Gradients (Figurnov et al., 2018), eq. 5, arXiv:1805.08498.
    """
    average = mean_cosine(kappa.detach(), dimensions).detach()
    outer = torch.cos(theta) <= average  # the tail away from the mean direction
    width = WIDTHS / torch.sqrt(kappa)
    low = torch.where(outer, theta, (theta - width).clamp_min(0))
    high = torch.where(outer, (theta + width).clamp_max(math.pi), theta)
    nodes, weights = _grid(low, high)
    here = theta[..., None]
    grown = kappa[..., None] * (torch.cos(nodes) - torch.cos(here))
    power = dimensions - 2
    if power:
        grown = grown + power * (torch.log(torch.sin(nodes)) - torch.log(torch.sin(here)))
    tail = (weights * torch.exp(grown) * (torch.cos(nodes) - average[..., None])).sum(-1) * torch.sin(theta)
    return torch.where(outer, -tail, tail)
