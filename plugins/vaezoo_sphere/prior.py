"""The uniform distribution on a sphere."""

from __future__ import annotations

from typing import Any, final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core import Context, FlatPrior, slerp
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts

from .facts import UniformSpherePriorConfig
from .posterior import VonMisesFisher, log_area


@final
class UniformSpherePrior(FlatPrior):
    """Uniform on the unit sphere of R^D, for each cell.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Hyperspherical Variational Auto-Encoders (Davidson et al., 2018), arXiv:1804.00891.
    """

    exact_for = (VonMisesFisher,)
    geometry = "on a sphere"

    @accepts_keywords(UniformSpherePriorConfig)
    def __init__(self, config: UniformSpherePriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns minus the log area of each cell's sphere, (K, B) nats. z is assumed to be on it."""
        cells = z[0, 0, 0].numel()
        return torch.full(z.shape[:2], -cells * log_area(z.shape[2]), device=z.device)

    def rate(self, posterior: Any, context: Context) -> Tensor:
        """Returns the exact divergence from a von Mises-Fisher posterior, (B,) nats."""
        return VonMisesFisher.rate(posterior)

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns the directions of the noise. For zero noise it is the first axis, since a sphere has no centre."""
        first = torch.zeros_like(eps)
        first[:, :, 0] = 1
        return torch.where((eps == 0).all(2, keepdim=True), first, F.normalize(eps, dim=2))

    def interpolate(self, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
        """Returns points on the great circle of each cell, (T, B, ...).

        Raises:
            IncompatibleParts: The ends of a cell are opposite, so that the great circle is not unique.
        """
        first, last = (each.double().movedim(1, -1) for each in (start, end))
        cells = slerp(first.flatten(0, -2), last.flatten(0, -2), shares).view(len(shares), *first.shape)
        if bool((cells.norm(dim=-1) < 0.5).any()):
            raise IncompatibleParts(
                "Two latents are opposite on the sphere, so the great circle between them is not unique.",
                hint="Use another image for one of them.",
                value=shares.tolist(),
            )
        return F.normalize(cells, dim=-1).movedim(-1, 2).to(start)
