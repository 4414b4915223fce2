"""A Gaussian whose latents are correlated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from vaezoo.core.beliefs.posterior import Posterior, bound_logvar
from vaezoo.core.noise import Noise
from vaezoo.core.shapes import sum_rows


@final
@dataclass(frozen=True)
class FullGaussian(Posterior):
    """N(mean, L Lᵀ): a full covariance over the channels of each cell. Cells are independent.

    Args:
        mean: μ, (B, D) or (B, D, h, w).
        factor: L, (B, D, D) or (B, h, w, D, D), lower triangular with a positive diagonal.
    """

    mean: Tensor
    factor: Tensor

    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draws z = μ + L·ε; see :meth:`Posterior.sample`."""
        eps = (noise or Noise()).normal((k, *self.mean.shape), self.mean, level=level, stride=stride)
        turned = (self.factor @ eps.movedim(2, -1)[..., None])[..., 0].movedim(-1, 2)
        z = self.mean + turned
        return z, self.log_prob(z)

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns log N(z; μ, L Lᵀ), (K, B, ...) to (K, B) nats."""
        apart = (z.float() - self.mean.float()).movedim(2, -1)[..., None]
        factor = self.factor.float().expand(*apart.shape[:-1], apart.shape[-2])
        eps = torch.linalg.solve_triangular(factor, apart, upper=False)[..., 0]
        each = -0.5 * (eps**2 + math.log(2 * math.pi)) - torch.log(self._diagonal())
        return each.flatten(2).sum(2)

    def rate(self) -> Tensor:
        """Returns KL(q‖N(0, I)) = ½ [ ‖L‖² + ‖μ‖² − D ] − Σ log L_ii, (B,) nats, never negative."""
        squares = sum_rows(self.mean.float() ** 2) + sum_rows(self.factor.float() ** 2)
        diagonal = self._diagonal()
        return 0.5 * squares - sum_rows(torch.log(diagonal) + 0.5)

    def _diagonal(self) -> Tensor:
        return self.factor.float().diagonal(dim1=-2, dim2=-1)


def full_gaussian(raw: Tensor) -> FullGaussian:
    """Makes a Gaussian of raw channels (B, D + D·(D+1)/2, ...): means, log-variances, then the rest of L.

    The diagonal of L is exp(½·log-variance), bounded by :func:`bound_logvar`. The raw numbers fill L below it.
    """
    channels = (math.isqrt(9 + 8 * raw.shape[1]) - 3) // 2
    mean, logvar, below = raw.split([channels, channels, raw.shape[1] - 2 * channels], 1)
    factor = torch.diag_embed(torch.exp(0.5 * bound_logvar(logvar)).movedim(1, -1))
    rows, columns = torch.tril_indices(channels, channels, -1, device=raw.device)
    filled = torch.zeros_like(factor)
    filled[..., rows, columns] = below.movedim(1, -1)
    return FullGaussian(mean, factor + filled)
