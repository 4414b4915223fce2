"""Moving about in latents: what can be moved alone, and ways between points. The priors say which they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor


@final
@dataclass(frozen=True)
class Axis:
    """What of the latents can be moved while the rest stands still.

    Attributes:
        name: Such as ``z3``.
        channels: The channels of z that it is; on a grid they move in all cells at once.
        level: Number of the level, coarse to fine.
        classes: How many classes it has, which take the place of positions; 0 for a continuous one.
    """

    name: str
    channels: tuple[int, ...]
    level: int = 0
    classes: int = 0


def moved(z: Tensor, axis: Axis, values: Tensor) -> Tensor:
    """Returns z (1, B, D, ...) with other values of an axis, (T, channels), as (T, B, D, ...)."""
    found = z.repeat(len(values), *[1] * (z.dim() - 1))
    found[:, :, list(axis.channels)] = values.to(z).view(len(values), 1, -1, *[1] * (z.dim() - 3))
    return found


def line(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Returns points on the straight line, (T, B, ...), from two of (B, ...) and shares of the way (T,)."""
    t = shares.to(start).view(-1, *[1] * start.dim())
    return (1 - t) * start + t * end


def slerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Returns points on the way over the sphere, of which lengths between the two ends' are passed on the way.

    z_t = sin((1−t)ω)/sin ω · z_0 + sin(tω)/sin ω · z_1, with ω the angle between z_0 and z_1

    So points of typical length under N(0, I) keep one, where a line passes nearer to the origin. Where the ends are
    parallel or opposite the way is the line: all, or none, of the great circles lead there.

    Args:
        start: z_0, (B, ...); all but the first dimension are one vector.
        end: z_1, of the same shape.
        shares: t, (T,).

    Returns:
        (T, B, ...); the ends are z_0 and z_1 themselves.

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
