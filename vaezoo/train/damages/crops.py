"""Random regions of images for patches: position, scale, orientation and colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from vaezoo.data.pictures import Array
from vaezoo.errors import ConfigError
from vaezoo.train.recipe import DataRecipe


def check_fit(pictures: Sequence[Array], wanted: int, data: DataRecipe) -> None:
    """Raises if regions do not fit into the images (H, W, C), after downscaling as the recipe says.

    Raises:
        ConfigError: An image is too small.
    """
    smallest = min(min(array.shape[:2]) for array in pictures)
    if smallest * data.scale[0] < wanted:
        message = f"Patches of {wanted} at scale {data.scale[0]:g} do not fit into an image of {smallest} pixels."
        raise ConfigError(message, hint="Lower data.patch or raise data.scale.", value=data.patch)


def patches_per_epoch(pictures: Sequence[Array], batch: int, patch: int) -> int:
    """Returns the number of batches of patches that see every pixel about once; at least one."""
    return max(1, sum(array.shape[0] * array.shape[1] for array in pictures) // (batch * patch**2))


def draw_region(picture: Array, rng: np.random.Generator, wanted: int, data: DataRecipe) -> Array:
    """Draws a region of an image (H, W, C), with scale, orientation and order of channels as the recipe says.

    Args:
        picture: Image with sides of at least ``wanted`` pixels.
        rng: Random generator.
        wanted: Side of the region, in pixels.
        data: Settings ``scale``, ``augment`` and ``shuffle_channels``. An image that is too small for a scale is
            downscaled less.
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
    """Returns the luma of an RGB region (H, W, C) in each channel. A gray region is returned as it is."""
    if region.shape[2] == 1:
        return region
    luma = np.asarray(Image.fromarray(np.ascontiguousarray(region)).convert("L"))
    return np.repeat(luma[..., None], region.shape[2], axis=2)


def shrink(region: Array, side: int) -> Array:
    """Downscales a region (H, W, C) by an antialiased bicubic filter."""
    image = Image.fromarray(region.squeeze(2) if region.shape[2] == 1 else region)
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)).reshape(side, side, -1)
