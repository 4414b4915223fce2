"""A network over grids of codes that sees of each cell only what comes before it: rows above, then cells to the left.

    codes of a cell ─ embed, add ─► e ─► vertical stack: rows above ──────┐ at every layer
                                    └──► horizontal stack: cells left ◄───┘
                                                  └─► head of codebook j, with the cell's own codes before the j-th

How it differs from the paper: both stacks have residual paths, and none is skipped to the output; there is no class
condition. Draws and densities are in ``autoregressive``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def gated(features: Tensor) -> Tensor:
    """Returns tanh(a) · sigmoid(b) of features (N, 2C, ...), whose halves are a and b."""
    a, b = features.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


@final
class GatedLayer(nn.Module):
    """One layer of both stacks; the first sees strictly what is before a cell, so the later ones may see the cell.

    Args:
        width: Channels of a stack.
        reach: Cells seen to each side and above.
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
        # a first layer's window ends one row above, or one cell to the left: the last row or column is cut off
        above = self.above(F.pad(vertical, (reach, reach, reach, 0)))[:, :, :height]
        left = self.left(F.pad(horizontal, (reach, 0)))[..., :columns]
        found = self.out(gated(left + self.down(above)))
        above = gated(above)
        return (above, found) if self.first else (vertical + above, horizontal + found)


@final
class MaskedNetwork(nn.Module):
    """Logits of every code given all codes before it: of earlier cells in reading order, then of earlier codebooks.

    Args:
        sizes: Number of codes of each codebook.
        width: Channels of each stack.
        layers: Of both stacks; 0 where a picture is one cell, which has no other before it.
        reach: Cells that a layer sees to each side and above.
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
        """Returns what earlier cells tell of each cell: codes (N, books, h, w) to (N, width, h, w)."""
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
            told: Of the cells, (N, width, h, w), see :meth:`trunk`.
            codes: Of the codebooks before it in the same cells, (N, book or more, h, w).
            book: Its number.

        Returns:
            (N, size, h, w).
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
