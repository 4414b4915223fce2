"""The wrapped normal at the ball's origin as a prior."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from vaezoo.core import Context, DiagonalGaussian, FlatPrior

from .ball import inside, point, tangent
from .facts import check_ball
from .posterior import WrappedNormal


@final
class WrappedNormalPrior(FlatPrior):
    """A wrapped normal at the origin of the Poincaré ball; densities are by Riemannian volume.

    The decoder sees log_0 of a point: its direction, as long as its distance from the origin. The rate has no closed
    form.

    Args:
        latent_channels: D.
        latent_stride: Pixels per cell, or None for vectors.
        curvature: c > 0, as the belief's; the ball's curvature is −c.
        spread: σ > 0.

    Raises:
        ConfigError: The curvature or the spread is not above 0.
    """

    def __init__(
        self, latent_channels: int, latent_stride: int | None = None, curvature: float = 1.0, spread: float = 1.0
    ) -> None:
        super().__init__()
        check_ball(curvature, spread)
        self.latent_channels, self.latent_stride = latent_channels, latent_stride
        self.curvature, self.spread = curvature, spread
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns the log density by Riemannian volume, (K, B, ...) to (K, B) nats."""
        zeros = torch.zeros_like(z[0])
        return WrappedNormal(zeros, zeros + 2 * math.log(self.spread), self.curvature).log_prob(z)

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        """Returns None: there is no closed form."""
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns exp_0(σ·ε)."""
        z = inside(point(self.spread * eps.double().movedim(2, -1), self.curvature), self.curvature)
        return z.movedim(-1, 2).to(eps.dtype)

    def state(self, z: Tensor) -> Tensor:
        """Returns log_0(z), (K·B, D, ...)."""
        return tangent(z.double().movedim(2, -1), self.curvature).movedim(-1, 2).to(z.dtype).flatten(0, 1)
