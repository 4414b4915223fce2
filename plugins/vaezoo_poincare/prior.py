"""The wrapped normal at the ball's origin as a prior."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from vaezoo.core import Context, DiagonalGaussian, FlatPrior
from vaezoo.core.facts import accepts_keywords

from .ball import inside, point, tangent
from .facts import WrappedNormalPriorConfig
from .posterior import WrappedNormal


@final
class WrappedNormalPrior(FlatPrior):
    """A wrapped normal at the origin of the Poincaré ball. Densities are with respect to Riemannian volume.

    The decoder receives log_0 of a point: its direction, with its distance from the origin as length. The rate has no
    closed form.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    geometry = "in a Poincaré ball"

    @accepts_keywords(WrappedNormalPriorConfig)
    def __init__(self, config: WrappedNormalPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.curvature, self.spread = config.curvature, config.spread
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns the log density with respect to Riemannian volume, (K, B, ...) to (K, B) nats."""
        zeros = torch.zeros_like(z[0])
        return WrappedNormal(zeros, zeros + 2 * math.log(self.spread), self.curvature).log_prob(z)

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        """Returns None, since there is no closed form."""
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns exp_0(σ·ε)."""
        z = inside(point(self.spread * eps.double().movedim(2, -1), self.curvature), self.curvature)
        return z.movedim(-1, 2).to(eps.dtype)

    def state(self, z: Tensor) -> Tensor:
        """Returns log_0(z), (K·B, D, ...)."""
        return tangent(z.double().movedim(2, -1), self.curvature).movedim(-1, 2).to(z.dtype).flatten(0, 1)

    def interpolate(self, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
        """Returns exp_a(t · log_a(b)), points on each cell's geodesic from a to b, (T, B, ...)."""
        first, last = (each.double().movedim(1, -1) for each in (start, end))
        whole = tangent(last, self.curvature, first)
        t = shares.to(whole).view(-1, *[1] * whole.dim())
        points = inside(point(t * whole, self.curvature, first), self.curvature)
        return points.movedim(-1, 2).to(start)
