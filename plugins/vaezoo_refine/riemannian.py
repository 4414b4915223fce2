"""Riemannian Hamiltonian refinement: generalised leapfrog steps with a metric that depends on z."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import torch
from torch import Tensor

from vaezoo.core import LogJoint, Noise, Posterior, Refinement, slope
from vaezoo.core.facts import accepts_keywords

from .facts import RiemannianRefinementConfig
from .hamiltonian import drawn
from .metric import CentroidMetric
from .tempering import MOMENTUM, Tempering

Inverse = Callable[[Tensor], Tensor]


def momentum_log_prob(inverse: Tensor, momentum: Tensor) -> Tensor:
    """Returns log N(ρ; 0, G) for G⁻¹ (K, B, D, D) and ρ (K, B, D), (K, B) nats."""
    half = torch.linalg.cholesky(inverse)
    inner = (half * momentum.unsqueeze(-1)).sum(-2).square().sum(-1)  # a product of matrices could be cast to bf16
    log_det = 2 * half.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # of G⁻¹
    return 0.5 * (log_det - inner - momentum.shape[-1] * math.log(2 * math.pi))


def generalised_leapfrog(
    log_joint: LogJoint, inverse: Inverse, z: Tensor, momentum: Tensor, step: Tensor, fixed_points: int
) -> tuple[Tensor, Tensor]:
    """Returns z and momentum (K, B, D) after one step with H = −log p(x, z) − log N(ρ; 0, G(z)).

    The first half step of the momentum and the step of z are implicit equations, solved by fixed-point iterations. When
    these have converged, the step is reversible and has determinant 1. Their error shrinks as step^fixed_points.

    Source: Riemann Manifold Langevin and Hamiltonian Monte Carlo Methods (Girolami and Calderhead, 2011), section 6.
    """

    def push(at: Tensor, rho: Tensor) -> Tensor:
        return slope(lambda there: momentum_log_prob(inverse(there), rho), at)

    def velocity(at: Tensor, rho: Tensor) -> Tensor:
        return (inverse(at) * rho.unsqueeze(-2)).sum(-1)

    half = momentum + 0.5 * step * slope(log_joint, z)
    middle = half
    for _ in range(fixed_points):
        middle = half + 0.5 * step * push(z, middle)
    begun = z + 0.5 * step * velocity(z, middle)
    end = begun
    for _ in range(fixed_points):
        end = begun + 0.5 * step * velocity(end, middle)
    return end, middle + 0.5 * step * (slope(log_joint, end) + push(end, middle))


@final
class RiemannianRefinement(Refinement):
    """Moves each draw by K generalised leapfrog steps under the metric of :class:`CentroidMetric`.

    The momentum starts as ρ/√β₀ with ρ ~ N(0, G(z₀)), and is cooled as in :class:`HamiltonianRefinement`:

        log q = log q(z₀|x) + log N(ρ; 0, G(z₀)) − log N(ρ_K; 0, G(z_K))

    up to the error of the fixed-point iterations. It supports vectors only, not grids.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Geometry-Aware Hamiltonian Variational Auto-Encoder (Chadebec et al., 2020), arXiv:2010.11518.
    """

    @accepts_keywords(RiemannianRefinementConfig)
    def __init__(self, config: RiemannianRefinementConfig) -> None:
        super().__init__()
        self.fixed_points = config.fixed_points
        self.tempering = Tempering(1, config.steps, config.step_size, config.largest_step, config.start)
        self.metric = CentroidMetric(config.latent_channels, config.centroids, config.temperature, config.floor)

    def forward(
        self, belief: Posterior, log_joint: LogJoint, k: int = 1, noise: Noise | None = None, *, stride: int = 1
    ) -> tuple[Tensor, Tensor]:
        """See :meth:`vaezoo.core.Refinement.forward`."""
        noise = noise or Noise()
        z, log_q = drawn(belief, k, noise, stride)
        eps = noise.normal(tuple(z.shape), z, level=MOMENTUM, stride=stride)
        inverse = self.metric.inverse(z)
        half = torch.linalg.cholesky(inverse)  # L⁻ᵀε has the covariance (L·Lᵀ)⁻¹ = G
        first = torch.linalg.solve_triangular(half.mT, eps.unsqueeze(-1), upper=True).squeeze(-1)
        log_q = log_q + momentum_log_prob(inverse, first)
        momentum, step = first * self.tempering.first(), self.tempering.step()
        for number in range(1, self.tempering.steps + 1):
            z, momentum = generalised_leapfrog(log_joint, self.metric.inverse, z, momentum, step, self.fixed_points)
            momentum = momentum * self.tempering.cooling(number)
        return z, log_q - momentum_log_prob(self.metric.inverse(z), momentum)
