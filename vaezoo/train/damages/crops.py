"""Regions of pictures that patches are made of: where, how large, turned or mirrored, gray."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vaezoo.data.pictures import Array
from vaezoo.train.recipe import DataRecipe


def draw_region(picture: Array, rng: np.random.Generator, wanted: int, data: DataRecipe) -> Array:
    """Draws a region of a picture (H, W, C), as the recipe says: of what scale, turned, its channels shuffled.

    Args:
        picture: At least ``wanted`` pixels a side.
        rng: Drawn from.
        wanted: Side of the region, pixels.
        data: Its ``scale``, ``augment`` and ``shuffle_channels``. A picture that is too small for a scale is shrunk as
            little as it must.
    """
    side = round(wanted / rng.uniform(data.scale[0], data.scale[1]))
    side = min(side, *picture.shape[:2])
    top, left = (rng.integers(extent - side + 1) for extent in picture.shape[:2])
    region = picture[top : top + side, left : left + side]
    if side != wanted:
        region = shrink(region, wanted)
    if data.augment:
        turns, flip = divmod(int(rng.integers(8)), 2)
        region = np.rot90(region[:, ::-1] if flip else region, turns)
    if data.shuffle_channels:
        region = region[..., rng.permutation(region.shape[2])]
    return region


def equal_channels(region: Array) -> Array:
    """Returns the luma of an RGB region (H, W, C) in every channel; a gray one as it is."""
    if region.shape[2] == 1:
        return region
    luma = np.asarray(Image.fromarray(np.ascontiguousarray(region)).convert("L"))
    return np.repeat(luma[..., None], region.shape[2], axis=2)


def shrink(region: Array, side: int) -> Array:
    """Returns a region (H, W, C) downscaled by an antialiased bicubic filter."""
    image = Image.fromarray(region.squeeze(2) if region.shape[2] == 1 else region)
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)).reshape(side, side, -1)
