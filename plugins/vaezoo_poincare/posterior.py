"""The wrapped normal on the Poincaré ball."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from vaezoo.core import Noise, Posterior, bound_logvar, gaussian_log_prob

from .ball import inside, length, log_volume, point, tangent

REACH = 8.0
"""Largest distance of means from the origin, times √c. Further out, fp32 cannot tell points apart."""


@final
@dataclass(frozen=True)
class WrappedNormal(Posterior):
    """N(0, diag exp(logvar)) in the tangent space at a point, mapped onto the ball by the exponential map.

    Densities are with respect to the Riemannian volume. A sample at the edge of the ball is moved to where fp32 can
    hold it.

    Args:
        mean: Means μ, points with c‖μ‖² < 1, (B, D) or (B, D, h, w).
        logvar: log σ², of the same shape.
        curvature: Parameter c. The ball's curvature is −c.

    Source: Continuous Hierarchical Representations with Poincaré Variational Auto-Encoders (Mathieu et al., 2019),
    section 3.2, arXiv:1901.06033; on the hyperboloid: A Wrapped Normal Distribution on Hyperbolic Space (Nagano et
    al., 2019), arXiv:1902.02992.
    """

    mean: Tensor
    logvar: Tensor
    curvature: float = 1.0

    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draws z = exp_μ(σ·ε); see :meth:`vaezoo.core.Posterior.sample`."""
        eps = (noise or Noise()).normal((k, *self.mean.shape), self.mean.detach(), level=level, stride=stride)
        v = (torch.exp(0.5 * self.logvar) * eps).double().movedim(2, -1)
        mean = self.mean.double().movedim(1, -1)
        z = inside(point(v, self.curvature, mean), self.curvature).movedim(-1, 2).to(self.mean.dtype)
        return z, self._density(v)

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns the log density with respect to Riemannian volume, (K, B, ...) to (K, B) nats."""
        mean = self.mean.double().movedim(1, -1)
        return self._density(tangent(z.double().movedim(2, -1), self.curvature, mean))

    def _density(self, v: Tensor) -> Tensor:
        logvar = self.logvar.movedim(1, -1)
        normal = gaussian_log_prob(v, torch.zeros_like(v), logvar).sum(-1)
        return (normal - log_volume(v, self.curvature))[:, :, None].flatten(2).sum(2).float()


def wrapped_normal(raw: Tensor, curvature: float = 1.0) -> WrappedNormal:
    """Makes a belief of raw channels (B, 2·D, ...): log_0 of its mean, and log-variances up to 2."""
    v, logvar = raw.chunk(2, 1)
    v = v.double().movedim(1, -1)
    far = REACH / math.sqrt(curvature)
    norm = length(v)
    mean = point(v * far * torch.tanh(norm / far) / norm, curvature)
    return WrappedNormal(mean.movedim(-1, 1).to(raw.dtype), bound_logvar(logvar, high=2.0), curvature)
