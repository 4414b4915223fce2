"""Moving latents: axes that can be changed alone, and paths between points. Priors say which they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor


@final
@dataclass(frozen=True)
class Axis:
    """A direction in which latents can be moved while the rest stays.

    Attributes:
        name: Name, such as ``z3``.
        channels: Channels of z that it consists of. On a grid, they move in all cells at once.
        level: Number of the level, coarse to fine.
        classes: Number of classes, which replace positions; 0 for a continuous axis.
    """

    name: str
    channels: tuple[int, ...]
    level: int = 0
    classes: int = 0


def moved(z: Tensor, axis: Axis, values: Tensor) -> Tensor:
    """Returns z (1, B, D, ...) with an axis set to values (T, channels), as (T, B, D, ...)."""
    found = z.repeat(len(values), *[1] * (z.dim() - 1))
    found[:, :, list(axis.channels)] = values.to(z).view(len(values), 1, -1, *[1] * (z.dim() - 3))
    return found


def line(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Returns points on the straight line between two points (B, ...), at fractions (T,): (T, B, ...)."""
    t = shares.to(start).view(-1, *[1] * start.dim())
    return (1 - t) * start + t * end


def slerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Interpolates on the sphere: lengths stay between those of the two ends.

    z_t = sin((1−t)ω)/sin ω · z_0 + sin(tω)/sin ω · z_1, with ω the angle between z_0 and z_1

    So points of typical length under N(0, I) keep it, while a straight line passes nearer to the origin. Between
    parallel or opposite ends it is the straight line, since there is no unique great circle.

    Args:
        start: Start z_0, (B, ...). All dimensions but the first are one vector.
        end: End z_1, of the same shape.
        shares: Fractions t of the way, (T,).

    Returns:
        Points (T, B, ...). The ends are exactly z_0 and z_1.

    Source: Sampling Generative Networks (White, 2016), section 2.1, arXiv:1609.04468.
    """
    first, last = start.double().flatten(1), end.double().flatten(1)
    t = shares.to(first).view(-1, 1, 1)
    lengths = first.norm(dim=1, keepdim=True) * last.norm(dim=1, keepdim=True)
    cosine = ((first * last).sum(1, keepdim=True) / lengths.clamp_min(1e-30)).clamp(-1, 1)
    omega = torch.arccos(cosine)
    sine = torch.sin(omega)
    flat = (sine < 1e-6) | (lengths == 0)
    sine = torch.where(flat, 1.0, sine)
    before = torch.where(flat, 1 - t, torch.sin((1 - t) * omega) / sine)
    after = torch.where(flat, t, torch.sin(t * omega) / sine)
    return (before * first + after * last).view(len(shares), *start.shape).to(start)
