"""Invertible maps of latent vectors with a known Jacobian, conditioned on a vector.

A step is a module. For conditions h (B, C) it returns a transform of z (..., B, D). Its ``call_and_ladj`` gives f(z)
and log|det ∂f/∂z| in nats, with the type of z: fp32 in use, whatever the type of the networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Transform, constraints
from zuko.nn import MaskedMLP
from zuko.transforms import (
    AutoregressiveTransform,
    ComposedTransform,
    DependentTransform,
    MonotonicAffineTransform,
    MonotonicRQSTransform,
)

SLOPE = 1e-3
"""Smallest slope of a planar step along its direction, so that it can be inverted in fp32."""


@final
class PlanarTransform(Transform):
    """z + û·tanh(w·z + b): compresses or stretches the space across one plane.

    û is u, moved along w until w·û > −1, which makes the step invertible. The paper's m(a) = −1 + log(1 + exp a) leaves
    û unbounded for small w. Here it is shifted such that m(0) = 0, so û is bounded.

    Args:
        weight: Weight w, (B, D).
        direction: Direction u, (B, D).
        bias: Bias b, (B,).

    Source: Variational Inference with Normalizing Flows (Rezende and Mohamed, 2015), section 4.1 and appendix A.1,
    arXiv:1505.05770.
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, weight: Tensor, direction: Tensor, bias: Tensor) -> None:
        super().__init__()
        dot = (weight * direction).sum(-1)
        self.pull = F.softplus(dot + math.log(math.expm1(1 - SLOPE))) - (1 - SLOPE)  # w·û
        length = weight.square().sum(-1).clamp_min(1e-12)
        self.weight, self.bias = weight, bias
        self.direction = direction + ((self.pull - dot) / length).unsqueeze(-1) * weight

    def _call(self, z: Tensor) -> Tensor:
        return z + self.direction * torch.tanh((self.weight * z).sum(-1) + self.bias).unsqueeze(-1)

    def log_abs_det_jacobian(self, z: Tensor, moved: Tensor) -> Tensor:
        """Returns log(1 + (1 − tanh²(w·z + b))·w·û), (..., B) nats."""
        along = torch.tanh((self.weight * z).sum(-1) + self.bias)
        return torch.log1p((1 - along**2) * self.pull)

    def _inverse(self, moved: Tensor) -> Tensor:
        """Solves a + (w·û)·tanh(a) = w·z' + b for a by bisection; a last Newton step carries the gradient."""
        total = (self.weight * moved).sum(-1) + self.bias
        with torch.no_grad():
            low, high = total - self.pull.abs(), total + self.pull.abs()
            for _ in range(32):
                middle = (low + high) / 2
                below = middle + self.pull * torch.tanh(middle) < total
                low, high = torch.where(below, middle, low), torch.where(below, high, middle)
            a = (low + high) / 2
            slope = 1 + self.pull * (1 - torch.tanh(a) ** 2)
        a = a - (a + self.pull * torch.tanh(a) - total) / slope
        return moved - self.direction * torch.tanh(a).unsqueeze(-1)


@final
class PlanarStep(nn.Module):
    """A planar step with w, u and b computed from the conditions.

    Args:
        latent_channels: Number of latent channels D.
        context: Dimensions C of the conditions.
    """

    def __init__(self, latent_channels: int, context: int) -> None:
        super().__init__()
        self.latent_channels = latent_channels
        self.parameters_of = nn.Linear(context, 2 * latent_channels + 1)

    def forward(self, h: Tensor) -> PlanarTransform:
        """Returns the step for conditions h (B, C)."""
        raw = self.parameters_of(h.to(self.parameters_of.weight.dtype))
        raw = raw.double() if raw.dtype == torch.float64 else raw.float()
        weight, direction, bias = raw.split([self.latent_channels, self.latent_channels, 1], -1)
        return PlanarTransform(weight, direction, bias.squeeze(-1))


@final
class AutoregressiveStep(nn.Module):
    """z'_i = f(z_i; z_<i, h), with f affine or a monotonic rational-quadratic spline on [−5, 5].

    f(z) is one pass of a masked network. Its inverse takes D passes, each of which gives one more latent exactly.

    Args:
        latent_channels: Number of latent channels D.
        context: Dimensions C of the conditions; 0 for none.
        widths: Widths of the network's hidden layers.
        bins: Number of pieces of each spline. 0 makes f affine.
        reverse: Whether latents depend on those after them instead of those before.
    """

    def __init__(self, latent_channels: int, context: int, widths: Sequence[int], bins: int, reverse: bool) -> None:
        super().__init__()
        self.latent_channels, self.bins = latent_channels, bins
        rank = torch.arange(latent_channels)
        rank = rank.flip(0) if reverse else rank
        sees = torch.cat([rank[:, None] > rank, torch.ones(latent_channels, context, dtype=torch.bool)], 1)
        self.each = 3 * bins - 1 if bins else 2
        adjacency = sees.repeat_interleave(self.each, 0)
        self.network = MaskedMLP(adjacency, tuple(widths), nn.SiLU)  # type: ignore[arg-type]  # torch types no BoolTensor

    def forward(self, h: Tensor | None) -> AutoregressiveTransform:
        """Returns the step for conditions h (B, C), or without conditions."""
        return AutoregressiveTransform(partial(self._univariate, h), self.latent_channels)

    def _univariate(self, h: Tensor | None, z: Tensor) -> DependentTransform:
        seen = z if h is None else torch.cat([z, h.to(z.dtype).expand(*z.shape[:-1], h.shape[-1])], -1)
        raw = self.network(seen.to(next(self.network.parameters()).dtype)).to(z.dtype)
        raw = raw.unflatten(-1, (self.latent_channels, self.each))
        if self.bins:
            pieces = raw.split([self.bins, self.bins, self.bins - 1], -1)
            return DependentTransform(MonotonicRQSTransform(*pieces), 1)
        return DependentTransform(MonotonicAffineTransform(*raw.unbind(-1)), 1)


@final
class Flow(nn.Module):
    """Several steps in a row. Autoregressive ones alternate their order.

    Args:
        kind: Kind of step: ``iaf`` or ``maf`` (affine), ``nsf`` (spline) or ``planar``.
        latent_channels: Number of latent channels D.
        context: Dimensions of the conditions; 0 for none. Planar steps need some.
        transforms: Number of steps.
        widths: Widths of the hidden layers of each autoregressive step.
        bins: Number of pieces of each spline.
    """

    def __init__(
        self, kind: str, latent_channels: int, context: int, transforms: int, widths: Sequence[int], bins: int
    ) -> None:
        super().__init__()
        self.steps = nn.ModuleList(
            PlanarStep(latent_channels, context)
            if kind == "planar"
            else AutoregressiveStep(latent_channels, context, widths, bins if kind == "nsf" else 0, index % 2 == 1)
            for index in range(transforms)
        )

    def forward(self, h: Tensor | None) -> ComposedTransform:
        """Returns the whole map for conditions h (B, C), or without conditions."""
        return ComposedTransform(*(step(h) for step in self.steps))
