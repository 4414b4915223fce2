"""Tiling: runs a network over an image of any size, one tile at a time.

The outer `margin` pixels of a tile, which are affected by its cut edge, are dropped. The rest of the overlap is blended
by a raised cosine. If the margin is at least the network's receptive field (its reach to one side), the tiled result
equals that of the whole image. This also holds for a network that pads right and bottom to a multiple of its stride,
since origins are multiples of the stride. Padding is left to the network.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vaezoo.errors import ConfigError


@dataclass(frozen=True)
class Tiling:
    """How to cut an image into tiles.

    Attributes:
        tile: Largest side of a tile, in pixels.
        overlap: Overlap of two neighbouring tiles, in pixels.
        margin: Pixels that each of two neighbours drops at its cut edge. The effective reach of trained networks is
            much smaller than their receptive field; docs/restoration.md has the error left with the default denoiser.
        stride: Number of pixels that origins are multiples of.

    Raises:
        ConfigError: The numbers do not fit together.
    """

    tile: int = 768
    overlap: int = 128
    margin: int = 48
    stride: int = 1

    def __post_init__(self) -> None:
        if min(self.tile, self.stride) < 1 or min(self.overlap, self.margin) < 0:
            raise ConfigError(f"Tile and stride must be positive, overlap and margin not negative: {self}.", value=self)
        if self.tile % self.stride or self.overlap % self.stride:
            raise ConfigError(f"Tile and overlap must be multiples of the stride: {self}.", value=self)
        if 2 * self.margin > self.overlap or 2 * self.overlap > self.tile:
            raise ConfigError(f"Twice the margin must fit in the overlap, that twice in the tile: {self}.", value=self)

    @classmethod
    def fitting(cls, tile: int, stride: int) -> Tiling:
        """Returns the usual tiling for a largest side, with less overlap if that is small.

        Raises:
            ConfigError: The tile is smaller than the smallest possible one.
        """
        if tile < (smallest := cls.smallest(stride)):
            raise ConfigError(f"This model's tiles have at least {smallest} pixels, not {tile}.", value=tile)
        overlap = min(cls.overlap, tile // 2) // stride * stride
        return cls(tile // stride * stride, overlap, overlap * cls.margin // cls.overlap, stride)

    def times(self, factor: int) -> Tiling:
        """Returns the tiling of a network's output that is larger than the image by a whole factor."""
        sides = {name: factor * getattr(self, name) for name in ("tile", "overlap", "margin", "stride")}
        return replace(self, **sides)

    @staticmethod
    def smallest(stride: int) -> int:
        """Returns the smallest useful tile: it overlaps by half and advances by two strides."""
        return 4 * stride

    def spans(self, size: int) -> list[tuple[int, int]]:
        """Returns start and stop of the tiles along a side. They are as few as possible and nearly equal."""
        if size <= self.tile:
            return [(0, size)]
        count = math.ceil((size - self.overlap) / (self.tile - self.overlap))
        even = math.ceil((size + (count - 1) * self.overlap) / count / self.stride) * self.stride
        length = max(even, 2 * self.overlap)  # so that no pixel is in three tiles
        starts = range(0, size - self.overlap, length - self.overlap)
        return [(start, min(start + length, size)) for start in starts]

    def window(self, span: tuple[int, int], size: int) -> Tensor:
        """Returns a tile's weights along a side, float32 (stop - start,). Over all tiles they sum to one."""
        start, stop = span
        position = torch.arange(self.overlap, dtype=torch.float64)
        width = self.overlap - 2 * self.margin
        inner = (position - self.margin + 0.5) / width  # infinite, hence a hard cut, if nothing is blended
        rise = (0.5 - 0.5 * torch.cos(math.pi * inner.clamp(0, 1))).float()
        weight = torch.ones(stop - start)
        if start > 0:
            weight[: self.overlap] = rise
        if stop < size:
            weight[stop - start - self.overlap :] = 1 - rise
        return weight


def run_tiled(
    process: Callable[[Tensor, tuple[int, int]], Sequence[Tensor]],
    image: Tensor,
    tiling: Tiling,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Tensor, ...]:
    """Runs ``process`` over the tiles of an image and joins the results.

    Args:
        process: Function from a tile (B, C, h, w), with the row and column of its origin, to output maps (B, ..., h,
            w). It always returns the same number of maps. All may be larger by a whole factor.
        image: Image (B, C, H, W). It stays on its device, and is passed on one tile at a time.
        tiling: Tiling of the image.
        progress: Callback that receives the number of finished tiles and the number of all tiles.

    Returns:
        Joined maps, float32 (B, ..., H, W), or larger by the same factor, on the image's device.
    """
    height, width = image.shape[-2:]
    rows, columns = tiling.spans(height), tiling.spans(width)
    if len(rows) == len(columns) == 1:
        joined = tuple(m.to(image.device, torch.float32, copy=True) for m in process(image, (0, 0)))
        if progress:
            progress(1, 1)
        return joined
    joined = ()
    for done, (row, column) in enumerate(itertools.product(rows, columns), start=1):
        maps = process(image[..., slice(*row), slice(*column)], (row[0], column[0]))
        factor = maps[0].shape[-2] // (row[1] - row[0])
        finer, sides = tiling.times(factor), (factor * height, factor * width)
        down, right = ((factor * span[0], factor * span[1]) for span in (row, column))
        here = (..., slice(*down), slice(*right))
        weight = (finer.window(down, sides[0])[:, None] * finer.window(right, sides[1])).to(image.device)
        if not joined:
            joined = tuple(torch.zeros(*m.shape[:-2], *sides, device=image.device) for m in maps)
        for whole, part in zip(joined, maps, strict=True):
            whole[here] += part.to(image.device, torch.float32) * weight
        if progress:
            progress(done, len(rows) * len(columns))
    return joined
