"""Keeping the local mean colour of a picture, which noise does not change and a network may."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from vaezoo.image import mean_around

CELL, REACH = 8, 2
"""Pixels a side of the cells whose means are compared, and cells to each side that are averaged, twice."""
DARK, LIGHT = 2 / 255, 253 / 255
"""Values that count as clipped: noise that was cut off there changed the mean."""
TOLERATED = 0.2
"""Share of clipped pixels at which nothing is put back any more."""


def lost_colour(y: Tensor, x_hat: Tensor) -> Tensor:
    """Returns what a denoiser took from the local mean colour of a picture, to be added to its result.

    Means are over about 70 pixels, so that next to nothing is left in them of noise whose grain is a few pixels wide. A
    denoiser should not change them. Where many pixels are clipped the noise's own mean is not 0, and less is put back.

    Args:
        y: Noisy picture (1, C, H, W) in [0, 1]; noise may exceed it.
        x_hat: Result, same shape.
    """
    height, width = y.shape[2:]
    clipped = ((y <= DARK) | (y >= LIGHT)).any(1, keepdim=True).to(y)
    share = (1 - _means(clipped) / TOLERATED).clamp(0, 1)
    return F.interpolate(share * _means(y - x_hat), (height, width), mode="bilinear", align_corners=False)


def _means(values: Tensor) -> Tensor:
    """Returns means (B, C, h, w) around cells."""
    cells = F.avg_pool2d(values, CELL, ceil_mode=True, count_include_pad=False)
    return mean_around(mean_around(cells, REACH), REACH)
