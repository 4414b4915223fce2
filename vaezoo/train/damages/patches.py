"""Damages of single patches for training, besides noise: JPEG, downscaling, low light, blur, film grain.

`vaezoo.image.damage.degradations` damages single images for measurements.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vaezoo.image.damage.degradations import READ, blur, darken
from vaezoo.image.resize import downscale, upscale
from vaezoo.train.damages.blurs import draw_kernel

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Values = np.ndarray[Any, np.dtype[np.float32]]
Spoilt = tuple[Values, tuple[int, int]]
"""Damaged region in [0, 1], with the row and column at which the patch begins. The region includes a margin."""

ALIGNED = 0.75
"""Share of JPEG patches that begin at a corner of the 8×8 grid, as whole files do. Others count as cropped later."""

GRAIN = 4.0
"""Largest standard deviation of film grain, in grey levels of 255."""


def is_gray(picture: Pixels) -> bool:
    """Says whether the channels of an image (H, W, C) are equal."""
    return bool((picture == picture[..., :1]).all())


def _levels(region: Pixels) -> Tensor:
    """Copies a region (H, W, C), which may be read-only or turned, as float32."""
    return torch.from_numpy(region.astype(np.float32, order="C"))


def jpeg(region: Pixels, rng: np.random.Generator, low: float, high: float) -> Spoilt:
    """Saves a region as JPEG: gray if its channels are equal, with chroma subsampling in half of the others."""
    quality = round(rng.uniform(low, high))
    subsampling = "4:2:0" if rng.random() < 0.5 else "4:4:4"
    offset = (0, 0) if rng.random() < ALIGNED else (int(rng.integers(8)), int(rng.integers(8)))
    gray = is_gray(region)
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(region[..., 0] if gray else region))
    image.save(file, "JPEG", quality=quality, subsampling=subsampling)
    decoded: Values = np.asarray(Image.open(file), np.float32) / np.float32(255)
    return np.broadcast_to(decoded[..., None], region.shape) if gray else decoded, offset


def fewer(region: Pixels, rng: np.random.Generator, factors: list[int]) -> Spoilt:
    """Downscales a region by a factor, rounds to 8 bits, and enlarges it bicubically to its former size."""
    factor = factors[int(rng.integers(len(factors)))]
    height, width = (side - side % factor for side in region.shape[:2])
    x = _levels(region[:height, :width]).permute(2, 0, 1)[None]
    small = downscale(x, factor).round_().clamp_(0, 255)
    large = upscale(small, factor)[0].permute(1, 2, 0).div_(255)
    return large.numpy(), (0, 0)


def dark(region: Pixels, rng: np.random.Generator, light: list[float], electrons: list[float]) -> Spoilt:
    """Darkens a region and adds the noise of a camera. Equal channels stay equal."""
    share, count = (float(np.exp(rng.uniform(*np.log(ends)))) for ends in (light, electrons))
    gray = is_gray(region)
    noise = rng.standard_normal((*region.shape[:2], 1 if gray else region.shape[2]), np.float32)
    x = _levels(region).div_(255)
    found = darken(x, share, torch.from_numpy(noise).expand_as(x), electrons=count, read=READ)
    return found.numpy(), (0, 0)


def blurred(region: Pixels, rng: np.random.Generator, reach: int) -> Spoilt:
    """Blurs a region by a random kernel. Crops the border, so that only pixels of the region are used."""
    x = _levels(region).permute(2, 0, 1)[None].div_(255)
    found = blur(x, draw_kernel(rng, reach), "replicate")[0].permute(1, 2, 0)
    return found.numpy(), (reach, reach)


def grained(region: Pixels, rng: np.random.Generator) -> Pixels:
    """Adds film grain to a region (H, W, C): slightly blurred normal noise of random strength.

    The grain counts as part of the image, so noise is added after it. Equal channels stay equal.

    Source: simplified from A Stochastic Film Grain Model for Resolution-Independent Rendering (Newson et al., 2017).
    """
    height, width, channels = region.shape
    grain = rng.standard_normal((height + 2, width + 2, 1 if is_gray(region) else channels), np.float32)
    blur = rng.uniform(0, 0.25)
    for axis in (0, 1):
        size = grain.shape[axis] - 2
        before, middle, after = (grain.take(range(start, start + size), axis) for start in range(3))
        grain = (1 - 2 * blur) * middle + blur * (before + after)
    grain *= rng.uniform(0, GRAIN) / grain.std()
    return np.clip(np.rint(region + grain), 0, 255).astype(np.uint8)
