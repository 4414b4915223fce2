"""The Poincaré ball of curvature −c: points with c‖z‖² < 1, in fp64. Vectors are along the last axis.

Tangent vectors v are measured in Riemannian length: exp_μ maps v to the point at distance ‖v‖ from μ.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EDGE = 1 - 1e-7
"""Largest distance of a point from the origin, times √c. In fp32 the next numbers are the edge itself."""


def length(v: Tensor) -> Tensor:
    """Returns the Euclidean length (..., 1), with a gradient at zero."""
    return torch.sqrt((v**2).sum(-1, keepdim=True) + 1e-30)


def add(x: Tensor, y: Tensor, c: float) -> Tensor:
    """Returns the Möbius sum x ⊕ y."""
    dot, xx, yy = (x * y).sum(-1, keepdim=True), (x**2).sum(-1, keepdim=True), (y**2).sum(-1, keepdim=True)
    top = (1 + 2 * c * dot + c * yy) * x + (1 - c * xx) * y
    return top / (1 + 2 * c * dot + c**2 * xx * yy)


def point(v: Tensor, c: float, origin: Tensor | None = None) -> Tensor:
    """Returns exp_μ(v), the point at distance ‖v‖ from the origin μ (None is 0) in the direction of v."""
    norm, root = length(v), math.sqrt(c)
    step = torch.tanh(root * norm / 2) * v / (root * norm)
    return step if origin is None else add(origin, step, c)


def tangent(z: Tensor, c: float, origin: Tensor | None = None) -> Tensor:
    """Returns log_μ(z), the inverse of :func:`point`."""
    apart = z if origin is None else add(-origin, z, c)
    norm, root = length(apart), math.sqrt(c)
    return 2 / root * torch.atanh((root * norm).clamp_max(1 - 1e-15)) * apart / norm


def inside(z: Tensor, c: float) -> Tensor:
    """Moves points off the edge of the ball."""
    norm = math.sqrt(c) * length(z)
    return torch.where(norm > EDGE, z * (EDGE / norm), z)


def log_volume(v: Tensor, c: float) -> Tensor:
    """Returns (D − 1) log( sinh(√c‖v‖) / (√c‖v‖) ), the log factor by which exp stretches the volume at v, (...)."""
    r = math.sqrt(c) * length(v)[..., 0]
    r = r.clamp_min(1e-6)  # below, the logarithm is r²/6 < 2e-13
    return (v.shape[-1] - 1) * (r + torch.log(-torch.expm1(-2 * r)) - math.log(2) - torch.log(r))
