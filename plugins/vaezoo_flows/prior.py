"""A prior that learns its shape by a flow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from vaezoo.core import Context, DiagonalGaussian, FlatPrior

from .bijections import Flow
from .facts import PRIOR_FLOWS, check_flow


@final
class FlowPrior(FlatPrior):
    """The law of f⁻¹(ε)·s + m, ε ~ N(0, I), one for all cells of a grid, which are independent under it.

    log p(z) = log N(f(u); 0, I) + log|det ∂f/∂u| − Σ log s, u = (z − m)/s; m and s are 0 and 1 unless the prior was
    fitted to latents after training, whose mean and standard deviation they then are.

    The density, which training needs at every step, is one pass of each network; a sample takes D passes. At
    temperature 0 a sample is f⁻¹(0), the centre.

    Args:
        latent_channels: D, at least 2.
        latent_stride: Pixels per cell of (B, D, h, w) latents; None for vectors.
        flow: ``maf`` (affine autoregressive) or ``nsf`` (spline autoregressive).
        transforms: Steps of the flow.
        flow_widths: Hidden layers of each step; each at least D wide.
        bins: Pieces of each spline of ``nsf``.

    Raises:
        ConfigError: The flow is unknown or its settings cannot work.

    Source: Masked Autoregressive Flow for Density Estimation (Papamakarios et al., 2017), arXiv:1705.07057; Neural
    Spline Flows (Durkan et al., 2019), arXiv:1906.04032; as a prior: Variational Lossy Autoencoder (Chen et al.,
    2016), section 3.2, arXiv:1611.02731.
    """

    shift: Tensor
    spread: Tensor

    def __init__(
        self,
        latent_channels: int,
        latent_stride: int | None = None,
        flow: str = "nsf",
        transforms: int = 3,
        flow_widths: Sequence[int] = (64, 64),
        bins: int = 8,
    ) -> None:
        super().__init__()
        check_flow(flow, PRIOR_FLOWS, latent_channels, transforms, flow_widths, bins)
        self.latent_channels, self.latent_stride = latent_channels, latent_stride
        self.flow = Flow(flow, latent_channels, 0, transforms, flow_widths, bins)
        self.register_buffer("shift", torch.zeros(latent_channels))
        self.register_buffer("spread", torch.ones(latent_channels))

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns log p(z), summed over cells: (K, B, D, ...) to (K, B) nats."""
        cells = (z.float().movedim(2, -1) - self.shift) / self.spread
        eps, log_det = self.flow(None).call_and_ladj(cells)
        log_prob = log_det - self.spread.log().sum() - 0.5 * (eps**2 + math.log(2 * math.pi)).sum(-1)
        return log_prob.flatten(2).sum(2) if log_prob.dim() > 2 else log_prob

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        """Returns None: a flow has no closed form, so the rate is the mean of log q − log p over the samples."""
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns f⁻¹(ε) for each cell, (K, B, D, ...)."""
        cells = self.flow(None).inv(eps.float().movedim(2, -1)) * self.spread + self.shift
        return cells.movedim(-1, 2).to(eps.dtype)

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """See :meth:`vaezoo.core.Prior.fit`: by gradient, on latents brought to mean 0 and variance 1."""
        cells = z.float().movedim(1, -1).flatten(0, -2)
        self.shift.copy_(cells.mean(0))
        self.spread.copy_(cells.std(0, correction=0).clamp_min(1e-6))
        return super().fit(z, context, steps=steps, seed=seed)
