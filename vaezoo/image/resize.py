"""Resizing as in super-resolution benchmarks: bicubic, antialiased when shrinking, with mirrored edges.

Values equal those of MATLAB's ``imresize`` up to rounding; published tables are based on it. Other libraries differ at
edges or in the kernel, by tenths of a decibel.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from vaezoo.errors import ShapeError

BAND = 64
"""Number of rows or columns of a result per matrix product."""


def resize(x: Tensor, size: tuple[int, int], *, quick: bool = False) -> Tensor:
    """Resizes images bicubically (a = −½), with the kernel widened where a side shrinks.

    Args:
        x: Images (B, C, H, W), floating point, in any range. Results may overshoot it.
        size: (H, W) of the result. A side's scale is the ratio.
        quick: Whether to add up by matrix products, in a fifth of the time or less. Their order depends on the machine,
            so the last digit may differ between machines. Do not use it for values that are rounded and then compared.

    Raises:
        ShapeError: ``x`` is not such a tensor, or a side is below 1.

    Source: Cubic Convolution Interpolation for Digital Image Processing (Keys, 1981), eq. 4.
    """
    if x.ndim != 4 or not x.is_floating_point():
        raise ShapeError(f"Expected floats (B, C, H, W), got {x.dtype} {tuple(x.shape)}.", value=tuple(x.shape))
    if min(*size, *x.shape[2:]) < 1:
        raise ShapeError(f"Expected sides of at least 1, got {tuple(x.shape[2:])} to {tuple(size)}.", value=size)
    for dim, side in zip((2, 3), size, strict=True):
        if side != x.shape[dim]:
            x = (_along_quickly if quick else _along)(x, dim, side)
    return x


def downscale(x: Tensor, factor: int) -> Tensor:
    """Shrinks images (B, C, H, W) by a whole factor, by `resize`.

    Raises:
        ShapeError: A side is not a multiple of the factor, or as for `resize`.
    """
    if factor < 1 or x.ndim != 4 or x.shape[2] % factor or x.shape[3] % factor:
        raise ShapeError(f"Expected sides that {factor} divides, got {tuple(x.shape)}.", value=tuple(x.shape))
    return resize(x, (x.shape[2] // factor, x.shape[3] // factor))


def upscale(x: Tensor, factor: int) -> Tensor:
    """Enlarges images (B, C, H, W) by a whole factor, by `resize`."""
    return resize(x, (x.shape[2] * factor, x.shape[3] * factor))


def _along(x: Tensor, dim: int, side: int) -> Tensor:
    indices, weights = _taps(x.shape[dim], side)
    shape = [-1 if d == dim else 1 for d in range(4)]
    out = torch.zeros(())
    for index, weight in zip(indices, weights, strict=True):
        part = x.index_select(dim, index.to(x.device)) * weight.to(x).reshape(shape)
        out = part if out.ndim == 0 else out.add_(part)
    return out


def _along_quickly(x: Tensor, dim: int, side: int) -> Tensor:
    parts = []
    for first, stop, weights in _bands(x.shape[dim], side):
        seen, weights = x.narrow(dim, first, stop - first), weights.to(x)
        parts.append(weights @ seen if dim == 2 else seen @ weights.T)
    return torch.cat(parts, dim)


@functools.lru_cache(maxsize=16)
def _bands(old: int, new: int) -> tuple[tuple[int, int, Tensor], ...]:
    """Returns for each band of a result the range of pixels that it depends on, and their weights."""
    indices, weights = _taps(old, new)
    bands = []
    for start in range(0, new, BAND):
        places, shares = (values[:, start : start + BAND].T for values in (indices, weights))
        first, stop = int(places.min()), int(places.max()) + 1
        dense = torch.zeros(len(places), stop - first, dtype=torch.float64).scatter_add_(1, places - first, shares)
        bands.append((first, stop, dense.float()))
    return tuple(bands)


@functools.lru_cache(maxsize=64)
def _taps(old: int, new: int) -> tuple[Tensor, Tensor]:
    """Returns for each tap of the kernel the pixels that it reads and their weights, both (taps, new)."""
    scale = new / old
    stretch = min(scale, 1.0)
    width = 4 / stretch
    centre = (torch.arange(new, dtype=torch.float64) + 0.5) / scale - 0.5
    first = torch.floor(centre - width / 2)
    indices = first + torch.arange(math.ceil(width) + 2, dtype=torch.float64)[:, None]
    weights = _cubic((centre - indices) * stretch)
    weights = weights / weights.sum(0)
    mirrored = indices.long() % (2 * old)
    mirrored = torch.where(mirrored < old, mirrored, 2 * old - 1 - mirrored)
    used = (weights != 0).any(1)
    return mirrored[used], weights[used]


def _cubic(x: Tensor) -> Tensor:
    x = x.abs()
    inner = 1.5 * x**3 - 2.5 * x**2 + 1
    outer = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, inner, torch.where(x <= 2, outer, torch.zeros_like(x)))
