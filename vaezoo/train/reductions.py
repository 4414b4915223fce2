"""Pairs for models that enlarge: a small picture, and the one that it was made of."""

from __future__ import annotations

from typing import final

import numpy as np
import torch

from vaezoo.core import Batch
from vaezoo.errors import ConfigError
from vaezoo.image.resize import downscale
from vaezoo.train.crops import draw_region, equal_channels
from vaezoo.train.recipe import DataRecipe
from vaezoo.train.sets import Images


@final
class Reductions:
    """Random square crops, each from a picture drawn uniformly, and their bicubic reductions in 8 bits.

    ``data.patch`` is the side of the small ones. A step has one factor of ``data.factors``, the condition ``factor``.
    """

    def __init__(self, images: tuple[Images, ...], data: DataRecipe, seed: int) -> None:
        self.images, self.data, self.seed = images, data, seed
        self.pictures = [array for source in images for array in source.pixels]
        smallest = min(min(array.shape[:2]) for array in self.pictures)
        needed = data.patch * max(data.factors)
        if smallest < needed:
            message = f"Patches of {data.patch}, {max(data.factors)} times as large, do not fit a picture {smallest} "
            raise ConfigError(message + "pixels small.", hint="Lower data.patch or data.factors.", value=data.patch)

    def steps_per_epoch(self, batch: int) -> int:
        """See :meth:`vaezoo.train.data.Source.steps_per_epoch`; a step of the mean factor's size."""
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
        for i, row in enumerate(rows):
            rng = np.random.default_rng((self.seed, step, row))
            region = draw_region(self.pictures[int(rng.integers(len(self.pictures)))], rng, side, self.data)
            gray = self.data.gray_share > 0 and rng.random() < self.data.gray_share
            large[i] = equal_channels(region) if gray else region
        x = torch.from_numpy(large).to(device).permute(0, 3, 1, 2).float().contiguous()
        y = downscale(x, factor).round_().clamp_(0, 255).div_(255)
        told = torch.full((len(rows),), factor, dtype=torch.int64, device=device)
        return Batch(y, x.div_(255), {"factor": told})
