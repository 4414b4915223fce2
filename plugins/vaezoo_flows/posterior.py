"""A Gaussian transformed by a flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor
from zuko.transforms import ComposedTransform

from vaezoo.core import DiagonalGaussian, Noise, Posterior


@final
@dataclass(frozen=True)
class FlowPosterior(Posterior):
    """The distribution of f(z₀), z₀ ~ N(μ, σ²).

    log q(f(z₀)) = log N(z₀; μ, σ²) − log|det ∂f/∂z₀|

    The density of a sample needs no further computation. The density of any other z needs the inverse of f: D passes of
    each autoregressive network, or a bisection for each planar step.

    Args:
        base: Gaussian over (B, D).
        flow: Flow f, given the image's conditions.

    Source: Variational Inference with Normalizing Flows (Rezende and Mohamed, 2015), eq. 7, arXiv:1505.05770.
    """

    base: DiagonalGaussian
    flow: ComposedTransform

    @property
    def mean(self) -> Tensor:
        """Centre f(μ), (B, D): the sample at temperature 0. It is not the expectation of z."""
        return self.flow(self.base.mean.float()).to(self.base.mean.dtype)

    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draws z = f(μ + σ·ε) with its exact log density; see :meth:`vaezoo.core.Posterior.sample`."""
        start, log_start = self.base.sample(k, noise, stride=stride, level=level)
        z, log_det = self.flow.call_and_ladj(start.float())
        return z.to(start.dtype), log_start - log_det

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns log q(z) for any z (K, B, D), by the inverse: (K, B) nats, exact up to rounding."""
        start = self.flow.inv(z.float())
        return self.base.log_prob(start) - self.flow.call_and_ladj(start)[1]
