"""The cosine transform of 8 × 8 blocks, as in JPEG."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def dct(blocks: Tensor) -> Tensor:
    """Returns the orthonormal DCT-II of blocks (..., 8, 8). Its inverse is `inverse_dct`."""
    basis = _basis().to(blocks)
    return basis @ blocks @ basis.T


def inverse_dct(coefficients: Tensor) -> Tensor:
    """Returns the blocks (..., 8, 8) with these DCT coefficients."""
    basis = _basis().to(coefficients)
    return basis.T @ coefficients @ basis


def _basis() -> Tensor:
    k = torch.arange(8, dtype=torch.float64)
    waves = torch.cos(torch.pi * k[:, None] * (2 * k + 1) / 16) / 2
    waves[0] = math.sqrt(1 / 8)
    return waves


def to_blocks(plane: Tensor) -> Tensor:
    """Splits a plane (H, W), whose sides are multiples of 8, into blocks (H/8, W/8, 8, 8)."""
    return plane.unfold(0, 8, 8).unfold(1, 8, 8)


def from_blocks(blocks: Tensor) -> Tensor:
    """Joins blocks (rows, columns, 8, 8) to a plane (8 rows, 8 columns)."""
    rows, columns = blocks.shape[:2]
    return blocks.permute(0, 2, 1, 3).reshape(8 * rows, 8 * columns)
