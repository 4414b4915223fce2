"""Tiles: an image of any size through a network that sees a part at a time. The one place that tiles.

A tile's outer `margin` pixels, which saw its cut edge, are dropped; the rest of the overlap is blended by a
raised cosine. With a margin of at least the network's receptive field (its reach to one side), the tiled
result equals that of the whole image. A network that pads right and bottom up to a multiple of its stride
keeps that equality, because origins are multiples of the stride. Padding itself is the network's.
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
        tile: The largest side of a tile, pixels.
        overlap: What two neighbours share, pixels.
        margin: What each of two neighbours drops at its cut edge, pixels. Trained networks feel far less than
            they can reach; what is left with the default denoiser stands in docs/restoration.md.
        stride: Origins are multiples of this.

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
        """Returns the usual tiling for a tile of at most this side, with less overlap where it is small.

        Raises:
            ConfigError: The tile is smaller than the smallest.
        """
        if tile < (smallest := cls.smallest(stride)):
            raise ConfigError(f"This model's tiles have at least {smallest} pixels, not {tile}.", value=tile)
        overlap = min(cls.overlap, tile // 2) // stride * stride
        return cls(tile // stride * stride, overlap, overlap * cls.margin // cls.overlap, stride)

    def times(self, factor: int) -> Tiling:
        """Returns the tiling of what a network makes of the image, a whole factor larger."""
        sides = {name: factor * getattr(self, name) for name in ("tile", "overlap", "margin", "stride")}
        return replace(self, **sides)

    @staticmethod
    def smallest(stride: int) -> int:
        """Returns the smallest tile that makes sense: it overlaps by half and advances by two strides."""
        return 4 * stride

    def spans(self, size: int) -> list[tuple[int, int]]:
        """Returns start and stop of the tiles along a side: as few as possible, nearly equal."""
        if size <= self.tile:
            return [(0, size)]
        count = math.ceil((size - self.overlap) / (self.tile - self.overlap))
        even = math.ceil((size + (count - 1) * self.overlap) / count / self.stride) * self.stride
        length = max(even, 2 * self.overlap)  # so that no pixel is in three tiles
        starts = range(0, size - self.overlap, length - self.overlap)
        return [(start, min(start + length, size)) for start in starts]

    def window(self, span: tuple[int, int], size: int) -> Tensor:
        """Returns a tile's weight along a side, float32 (stop - start,); over all tiles it sums to one."""
        start, stop = span
        position = torch.arange(self.overlap, dtype=torch.float64)
        width = self.overlap - 2 * self.margin
        inner = (position - self.margin + 0.5) / width  # infinite, so a hard cut, where nothing is blended
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
    """Runs ``process`` over the tiles of an image and joins what it returns.

    Args:
        process: From a tile (B, C, h, w), and the row and column it begins at, to output maps (B, ..., h, w), always
            the same number of them; or all of them a whole factor larger.
        image: (B, C, H, W); stays where it is, and only a tile of it is handed over at a time.
        tiling: How to cut.
        progress: Called with the tiles done and their number.

    Returns:
        The joined maps, float32 (B, ..., H, W), or as many times larger, on the image's device.
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
