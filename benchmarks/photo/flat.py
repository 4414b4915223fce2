"""Noise on flat areas: where a picture is flat, and how much of a result's error there is noise.

Not here: errors over whole pictures, which are in `vaezoo.evaluate`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.errors import ShapeError
from vaezoo.image.chroma import WEIGHTS, split_luma

SIDE = 16
"""Pixels a side of a block."""
DEVIATION = 1.0
"""Grey levels: the largest standard deviation, in each channel, of a clean block that counts as flat."""
DARKEST, LIGHTEST = 10.0, 245.0
"""Grey levels: the range of a flat block's mean in each channel; beyond it the file clips the noise."""


def luma_chroma(image: Tensor) -> Tensor:
    """Returns Y, Cb and Cr of BT.601 in full range, as JPEG has them, without an offset.

    Args:
        image: RGB, (B, 3, H, W); or the difference of two, since the change is linear.

    Returns:
        Same shape and unit. Of pixels in [0, 1], Y is in [0, 1] and the two others in [−0.5, 0.5].
    """
    luma, rest = split_luma(image)
    blue, red = rest[:, 2:] / (2 - 2 * WEIGHTS[2]), rest[:, :1] / (2 - 2 * WEIGHTS[0])
    return torch.cat([luma, blue, red], 1)


def flat_blocks(x: Tensor) -> Tensor:
    """Says which blocks of a clean picture are flat.

    Args:
        x: (1, 3, H, W) in [0, 1]. The blocks begin at the corner; what is left at the other sides is not used.

    Returns:
        Truth values, (rows, columns).
    """
    blocks = _blocks(255 * x.double())
    mean = blocks.mean(-1)
    still = (blocks.std(-1, correction=0) <= DEVIATION).all(-1)
    return still & ((mean >= DARKEST) & (mean <= LIGHTEST)).all(-1)


def noise_left(error: Tensor, flat: Tensor) -> dict[str, float]:
    """Returns the noise of a result on flat blocks: root mean square of its error less the mean of its block.

    Args:
        error: Result minus clean picture, (1, 3, H, W), in units of the pixel value.
        flat: As `flat_blocks` says of the clean picture.

    Returns:
        ``luma`` and ``chroma``, the latter over Cb and Cr, in grey levels.

    Raises:
        ShapeError: No block is flat.
    """
    if not bool(flat.any()):
        raise ShapeError("Expected at least one flat block, got none.", value=tuple(flat.shape))
    blocks = _blocks(255 * luma_chroma(error.double()))[flat]
    power = (blocks - blocks.mean(-1, keepdim=True)).square().mean((0, 2))
    return {"luma": power[0].sqrt().item(), "chroma": power[1:].mean().sqrt().item()}


def _blocks(image: Tensor) -> Tensor:
    """Returns the blocks of an image (1, C, H, W) as (rows, columns, C, pixels)."""
    return image[0].unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE).flatten(3).permute(1, 2, 0, 3)
