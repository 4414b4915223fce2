"""Training pairs for models that enlarge: an image, and a smaller version as input.

The input is a clean reduction, or that reduction after what a camera, a phone or a web page would do to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import final

import numpy as np
import torch
from torch import Tensor

from vaezoo.core import Batch
from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError
from vaezoo.image.chroma import split_luma
from vaezoo.image.damage.camera import saved, take
from vaezoo.image.resize import downscale
from vaezoo.train.damages.crops import draw_region, equal_channels
from vaezoo.train.damages.photos import draw_camera, draw_noise
from vaezoo.train.recipe import DataRecipe

CLEAN, JPEGS, NOISES = 0.2, 0.4, 0.2
"""Shares of inputs that stay clean, are saved as JPEG, or have noise. The rest is from a camera."""
QUALITY = (30, 96)
"""Range of JPEG qualities, as on web pages."""
QUIETER = 0.45
"""Factor for the level of `draw_noise`: up to 25 grey levels, as visible noise is rare before enlarging."""

Found = Callable[[Tensor, np.random.Generator], Tensor]


@final
class Reductions:
    """Random square crops, each from a random image, with their bicubic reductions in 8 bits.

    ``data.patch`` is the side of the reductions. A step has one factor out of ``data.factors``, which is the condition
    ``factor``. ``found`` is a function, such as `spoilt`, that damages a reduction (1, 3, H, W) in [0, 1], given a
    generator; without it the reductions are clean.
    """

    def __init__(self, images: tuple[Images, ...], data: DataRecipe, seed: int, found: Found | None = None) -> None:
        self.images, self.data, self.seed, self.found = images, data, seed, found
        self.pictures = [array for source in images for array in source.pixels]
        smallest = min(min(array.shape[:2]) for array in self.pictures)
        needed = data.patch * max(data.factors)
        if smallest < needed:
            message = f"Patches of {data.patch}, {max(data.factors)} times as large, do not fit into an image of "
            raise ConfigError(
                message + f"{smallest} pixels.", hint="Lower data.patch or data.factors.", value=data.patch
            )

    def steps_per_epoch(self, batch: int) -> int:
        """See :meth:`vaezoo.train.data.Source.steps_per_epoch`. It is computed for the mean factor."""
        pixels = sum(array.shape[0] * array.shape[1] for array in self.pictures)
        squares = sum(factor**2 for factor in self.data.factors) / len(self.data.factors)
        return max(1, int(pixels / (batch * self.data.patch**2 * squares)))

    def factor(self, step: int) -> int:
        """Returns the factor of a step."""
        rng = np.random.default_rng((self.seed, step))
        return self.data.factors[int(rng.integers(len(self.data.factors)))]

    def batch(self, step: int, rows: range, batch: int, device: torch.device) -> Batch:
        """See :meth:`vaezoo.train.data.Source.batch`."""
        factor = self.factor(step)
        side, channels = factor * self.data.patch, self.pictures[0].shape[2]
        large = np.empty((len(rows), side, side, channels), np.uint8)
        draws = [np.random.default_rng((self.seed, step, row)) for row in rows]
        for i, rng in enumerate(draws):
            region = draw_region(self.pictures[int(rng.integers(len(self.pictures)))], rng, side, self.data)
            gray = self.data.gray_share > 0 and rng.random() < self.data.gray_share
            large[i] = equal_channels(region) if gray else region
        x = torch.from_numpy(large).to(device).permute(0, 3, 1, 2).float().contiguous()
        y = downscale(x, factor).round_().clamp_(0, 255).div_(255)
        if self.found is not None:
            y = torch.cat([self.found(row[None], rng) for row, rng in zip(y.cpu(), draws, strict=True)]).to(device)
        told = torch.full((len(rows),), factor, dtype=torch.int64, device=device)
        return Batch(y, x.div_(255), {"factor": told})


def spoilt(y: Tensor, rng: np.random.Generator) -> Tensor:
    """Damages a reduction as it would be found: left clean, saved as JPEG, with noise, or from a camera.

    Args:
        y: Image (1, 3, H, W) in [0, 1]. Equal channels stay equal.
        rng: Random generator.
    """
    kind = rng.random()
    if kind < CLEAN:
        return y
    gray = bool((y == y[:, :1]).all())
    if kind < CLEAN + JPEGS:
        found = _jpeg(y, rng, 2 if rng.random() < 0.15 else 1)
    elif kind < CLEAN + JPEGS + NOISES:
        noise = draw_noise(rng)
        found = (y + replace(noise, sigma=QUIETER * noise.sigma).draw(y, rng)).clamp(0, 1)
        found = _jpeg(found, rng, 1) if rng.random() < 0.5 else saved(found)
    else:
        camera = replace(draw_camera(rng), resize=1.0, lens=0.0)
        eps = rng.standard_normal((1, 1, y.shape[2], y.shape[3]), np.float32)
        found = take(y, camera, torch.from_numpy(eps)).y
    return split_luma(found)[0].expand_as(found) if gray else found


def _jpeg(y: Tensor, rng: np.random.Generator, times: int) -> Tensor:
    qualities = [int(rng.integers(*QUALITY)) for _ in range(times)]
    return saved(y, qualities, "4:2:0" if rng.random() < 0.6 else "4:4:4")
