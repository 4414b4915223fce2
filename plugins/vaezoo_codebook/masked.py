"""A masked network over grids of codes. Each cell sees only the rows above and the cells to its left.

    codes of a cell ─ embed, add ─► e ─► vertical stack: rows above ──────┐ at every layer
                                    └──► horizontal stack: cells left ◄───┘
                                                  └─► head of codebook j, with the cell's own codes before the j-th

How it differs from the paper: both stacks have residual paths, none is skipped to the output, and there is no class
condition. ``autoregressive`` has samples and densities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def gated(features: Tensor) -> Tensor:
    """Returns tanh(a) · sigmoid(b) for features (N, 2C, ...) with halves a and b."""
    a, b = features.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


@final
class GatedLayer(nn.Module):
    """One layer of both stacks. The first layer sees only what precedes a cell, so later ones may see the cell.

    Args:
        width: Number of channels of a stack.
        reach: Number of cells seen to each side and above.
        first: Whether the input is the codes themselves.

    Source: Conditional Image Generation with PixelCNN Decoders (van den Oord et al., 2016), sections 2.1 and 2.2,
    arXiv:1606.05328.
    """

    def __init__(self, width: int, reach: int, first: bool) -> None:
        super().__init__()
        self.reach, self.first = reach, first
        rows = reach if first else reach + 1
        self.above = nn.Conv2d(width, 2 * width, (rows, 2 * reach + 1))
        self.left = nn.Conv2d(width, 2 * width, (1, rows))
        self.down = nn.Conv2d(2 * width, 2 * width, 1)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, vertical: Tensor, horizontal: Tensor) -> tuple[Tensor, Tensor]:
        """Returns both stacks after the layer, (N, width, h, w)."""
        reach = self.reach
        height, columns = vertical.shape[-2:]
        # the window of a first layer ends one row above, or one cell to the left: the last row or column is cut off
        above = self.above(F.pad(vertical, (reach, reach, reach, 0)))[:, :, :height]
        left = self.left(F.pad(horizontal, (reach, 0)))[..., :columns]
        found = self.out(gated(left + self.down(above)))
        above = gated(above)
        return (above, found) if self.first else (vertical + above, horizontal + found)


@final
class MaskedNetwork(nn.Module):
    """Logits of every code given all codes before it: earlier cells in reading order, then earlier codebooks.

    Args:
        sizes: Number of codes of each codebook.
        width: Number of channels of each stack.
        layers: Number of layers of both stacks. 0 if an image is one cell, which has no earlier one.
        reach: Number of cells that a layer sees to each side and above.
    """

    def __init__(self, sizes: Sequence[int], width: int, layers: int, reach: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(GatedLayer(width, reach, index == 0) for index in range(layers))
        self.cells = nn.ModuleList(nn.Embedding(size, width) for size in (sizes if layers else ()))
        self.earlier = nn.ModuleList(nn.Embedding(size, width) for size in sizes[:-1])
        self.start = nn.Parameter(torch.zeros(width))
        self.heads = nn.ModuleList(
            nn.Sequential(nn.SiLU(), nn.Conv2d(width, width, 1), nn.SiLU(), nn.Conv2d(width, size, 1)) for size in sizes
        )

    def trunk(self, codes: Tensor) -> Tensor:
        """Returns features of each cell from earlier cells: codes (N, books, h, w) to (N, width, h, w)."""
        rows, _, height, columns = codes.shape
        start = self.start.view(1, -1, 1, 1).expand(rows, -1, height, columns)
        if not len(self.layers):
            return start
        parts = [table(codes[:, book]) for book, table in enumerate(self.cells)]
        vertical = horizontal = torch.stack(parts).sum(0).movedim(-1, 1)
        for layer in self.layers:
            vertical, horizontal = layer(vertical, horizontal)
        return start + horizontal

    def logits(self, told: Tensor, codes: Tensor, book: int) -> Tensor:
        """Returns the logits of one codebook's codes.

        Args:
            told: Features of the cells, (N, width, h, w); see :meth:`trunk`.
            codes: Codes of the earlier codebooks in the same cells, (N, at least ``book``, h, w).
            book: Index of the codebook.

        Returns:
            Logits, (N, size, h, w).
        """
        for before in range(book):
            told = told + self.earlier[before](codes[:, before]).movedim(-1, 1)
        found: Tensor = self.heads[book](told)
        return found

    def forward(self, codes: Tensor) -> Tensor:
        """Returns log p(codes), int64 (N, books, h, w) to (N,) nats."""
        told = self.trunk(codes)
        terms = [
            -F.cross_entropy(self.logits(told, codes, book).float(), codes[:, book], reduction="none")
            for book in range(codes.shape[1])
        ]
        return torch.stack(terms).flatten(2).sum(2).sum(0)
