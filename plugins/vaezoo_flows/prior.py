"""A prior whose shape a flow learns."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from vaezoo.core import Context, DiagonalGaussian, FlatPrior
from vaezoo.core.facts import accepts_keywords

from .bijections import Flow
from .facts import FlowPriorConfig


@final
class FlowPrior(FlatPrior):
    """The distribution of f⁻¹(ε)·s + m, ε ~ N(0, I). All cells of a grid are independent and have the same one.

    log p(z) = log N(f(u); 0, I) + log|det ∂f/∂u| − Σ log s, u = (z − m)/s. m and s are 0 and 1, unless the prior was
    fitted to latents after training: then they are the mean and standard deviation of these.

    The density, which training needs at every step, is one pass of each network. A sample takes D passes. At
    temperature 0 a sample is f⁻¹(0), the centre.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Masked Autoregressive Flow for Density Estimation (Papamakarios et al., 2017), arXiv:1705.07057; Neural
    Spline Flows (Durkan et al., 2019), arXiv:1906.04032; as a prior: Variational Lossy Autoencoder (Chen et al.,
    2016), section 3.2, arXiv:1611.02731.
    """

    shift: Tensor
    spread: Tensor

    @accepts_keywords(FlowPriorConfig)
    def __init__(self, config: FlowPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.flow = Flow(config.flow, config.latent_channels, 0, config.transforms, config.flow_widths, config.bins)
        self.register_buffer("shift", torch.zeros(config.latent_channels))
        self.register_buffer("spread", torch.ones(config.latent_channels))

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns log p(z), summed over cells: (K, B, D, ...) to (K, B) nats."""
        cells = (z.float().movedim(2, -1) - self.shift) / self.spread
        eps, log_det = self.flow(None).call_and_ladj(cells)
        log_prob = log_det - self.spread.log().sum() - 0.5 * (eps**2 + math.log(2 * math.pi)).sum(-1)
        return log_prob.flatten(2).sum(2) if log_prob.dim() > 2 else log_prob

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        """Returns None: there is no closed form, so the rate is the mean of log q − log p over samples."""
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns f⁻¹(ε) for each cell, (K, B, D, ...)."""
        cells = self.flow(None).inv(eps.float().movedim(2, -1)) * self.spread + self.shift
        return cells.movedim(-1, 2).to(eps.dtype)

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """See :meth:`vaezoo.core.Prior.fit`: by gradient ascent, on latents scaled to mean 0 and variance 1."""
        cells = z.float().movedim(1, -1).flatten(0, -2)
        self.shift.copy_(cells.mean(0))
        self.spread.copy_(cells.std(0, correction=0).clamp_min(1e-6))
        return super().fit(z, context, steps=steps, seed=seed)
