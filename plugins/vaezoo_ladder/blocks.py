"""Residual blocks, and pyramids of them from fine to coarse.

All blocks add their result to the state, multiplied by a gain per channel that starts at 0.2. None uses normalisation
or statistics of the whole image, and all repeat the edge. So the output for a tile equals that for the whole image
beyond ``reach`` cells from its cut edge. docs/ablations.md has their effect and cost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import ClassVar, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .facts import BLOCKS

WINDOW = 15
"""Side in cells of the window of the attention's mean."""
LARGE = 2**15
"""Number of cells of a state above which a frame is faster than padded copies."""


def conv3(inputs: int, outputs: int) -> nn.Conv2d:
    """Makes a 3×3 convolution that repeats the edge."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")


@final
class MergedConv(nn.Module):
    """A 3×3 convolution that repeats the edge. Its kernel is a sum of a 3×3, a 1×1 and an identity kernel.

    The sum is one kernel, so the cost is that of a plain convolution. It starts near the identity and trains faster.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels, equal to ``inputs``.

    Source: RepVGG: Making VGG-style ConvNets Great Again (Ding et al., 2021), arXiv:2101.03697; there three branches
        with
    normalisation are merged after training.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.wide, self.narrow = conv3(inputs, outputs), nn.Conv2d(inputs, outputs, 1, bias=False)
        self.own = nn.Parameter(torch.ones(outputs))

    @property
    def weight(self) -> Tensor:
        """Kernel, (outputs, inputs, 3, 3)."""
        middle = self.narrow.weight + torch.diag(self.own)[:, :, None, None]
        return self.wide.weight + F.pad(middle, (1, 1, 1, 1))

    @property
    def bias(self) -> Tensor | None:
        """Bias, (outputs,)."""
        return self.wide.bias

    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, outputs, h, w) for x (B, inputs, h, w)."""
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), self.weight, self.bias)


def depthwise(width: int, side: int) -> nn.Conv2d:
    """Makes a depthwise convolution that repeats the edge."""
    return nn.Conv2d(width, width, side, padding=side // 2, groups=width, padding_mode="replicate")


def local_mean(x: Tensor, window: int = WINDOW) -> Tensor:
    """Returns the mean over a window around each cell, within the image. Rows are averaged first, then columns.

    Args:
        x: Features (B, C, h, w).
        window: Side of the window in cells, odd.
    """
    half = window // 2
    rows = F.avg_pool2d(x, (window, 1), 1, (half, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, window), 1, (0, half), count_include_pad=False)


class Block(nn.Module, ABC):
    """Base class of residual blocks.

    Attributes:
        reach: Number of cells to each side that its output depends on.
        second: Last convolution, which computes what is added.
    """

    reach: ClassVar[int]
    second: nn.Conv2d | MergedConv

    def start_as_identity(self) -> None:
        """Turns the block into the identity, so that a model can be deepened without changing its output."""
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, width, h, w) for x of the same shape."""


def frame(x: Tensor) -> Tensor:
    """Writes the repeated edge of the inside of x (B, C, h + 2, w + 2) into its outermost cells, in place."""
    x[:, :, 0], x[:, :, -1] = x[:, :, 1], x[:, :, -2]
    x[..., 0], x[..., -1] = x[..., 1], x[..., -2]
    return x


def inside(x: Tensor) -> Tensor:
    """Returns a view of x without its outermost cells."""
    return x[..., 1:-1, 1:-1]


def add_into(fresh: Tensor, other: Tensor) -> Tensor:
    """Returns the sum of two tensors, computed in place in the first if possible. Nothing else may use the first."""
    return fresh.add_(other) if fresh.dtype == other.dtype else fresh + other


def new_gain(width: int) -> nn.Parameter:
    """Makes a gain per channel, with its initial value."""
    return nn.Parameter(torch.full((width, 1, 1), 0.2))


@final
class ResidualBlock(Block):
    """x + g · conv(ReLU(conv x)), with 18·width² multiplications per cell.

    Args:
        width: Number of channels of x.
        conv: Class of its convolutions: a plain one, or :class:`MergedConv`.
    """

    reach = 2

    def __init__(self, width: int, conv: Callable[[int, int], nn.Conv2d | MergedConv] = conv3) -> None:
        super().__init__()
        self.first, self.second = conv(width, width), conv(width, width)
        self.gain = new_gain(width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, width, h, w) for x of the same shape."""
        return torch.addcmul(x, self.gain, self.second(F.relu_(self.first(x))))

    def find_framed(self, x: Tensor) -> Tensor:
        """Returns what it adds to x, before the gain. Both have a frame, which has to be written again."""
        found = frame(F.relu_(F.conv2d(x, self.first.weight, self.first.bias, padding=1)))
        return F.conv2d(found, self.second.weight, self.second.bias, padding=1)


@final
class GatedBlock(Block):
    """x + g · conv1(u · v), where u and v are the halves of a depthwise 3×3 of conv1 x: 3·width² + 18·width per cell.

    Source: Simple Baselines for Image Restoration (Chen et al., 2022), arXiv:2204.04676: its simple gate, here without
    normalisation, channel attention and the second half of their block.
    """

    reach = 1

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.around = nn.Conv2d(width, 2 * width, 1), depthwise(2 * width, 3)
        self.second = nn.Conv2d(width, width, 1)
        self.gain = new_gain(width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, width, h, w) for x of the same shape."""
        u, v = self.around(self.first(x)).chunk(2, 1)
        return torch.addcmul(x, self.gain, self.second(u * v))


@final
class LargeKernelBlock(Block):
    """x + g · conv1(ReLU(conv1(depthwise 7×7 of x))), four times as wide inside: 8·width² + 49·width per cell.

    Source: A ConvNet for the 2020s (Liu et al., 2022), arXiv:2201.03545; here without normalisation, and ReLU for GELU.
    """

    reach = 3

    def __init__(self, width: int) -> None:
        super().__init__()
        self.around, self.first = depthwise(width, 7), nn.Conv2d(width, 4 * width, 1)
        self.second = nn.Conv2d(4 * width, width, 1)
        self.gain = new_gain(width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, width, h, w) for x of the same shape."""
        return torch.addcmul(x, self.gain, self.second(F.relu_(self.first(self.around(x)))))


@final
class AttentionBlock(Block):
    """A residual block with channel weights between 0 and 2, from channel means over a window around each cell.

    Source: Image Super-Resolution Using Very Deep Residual Channel Attention Networks (Zhang et al., 2018),
    arXiv:1807.02758; there the mean is over the whole picture.
    """

    reach = 2 + WINDOW // 2

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = conv3(width, width), conv3(width, width)
        inner = max(width // 4, 1)
        self.squeeze, self.excite = nn.Conv2d(width, inner, 1), nn.Conv2d(inner, width, 1)
        self.gain = new_gain(width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, width, h, w) for x of the same shape."""
        found = self.second(F.relu_(self.first(x)))
        weight = 2 * torch.sigmoid(self.excite(F.silu(self.squeeze(local_mean(found)))))
        return torch.addcmul(x, self.gain, found * weight)


_MAKERS = (ResidualBlock, partial(ResidualBlock, conv=MergedConv), GatedBlock, LargeKernelBlock, AttentionBlock)
KINDS: dict[str, Callable[[int], Block]] = dict(zip(BLOCKS, _MAKERS, strict=True))


@final
class Recurrent(nn.Module):
    """One block, applied several times: the depth of a chain with the parameters of one block."""

    def __init__(self, block: Block, times: int) -> None:
        super().__init__()
        self.block, self.times = block, times

    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, width, h, w) for x of the same shape."""
        for _ in range(self.times):
            x = self.block(x)
        return x


@final
class Chain(nn.Sequential):
    """Several blocks in a row.

    On a CPU without gradients, residual blocks share one frame of repeated edges, which is written again after each
    convolution. The result equals that with padding, whose copies of a large photo's states take a tenth of the time.
    For small states, the frame costs more than the copies.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, width, h, w) for x of the same shape."""
        blocks = [block for block in self if isinstance(block, ResidualBlock)]
        large = x.device.type == "cpu" and x.shape[2] * x.shape[3] >= LARGE and not torch.is_grad_enabled()
        if not large or not blocks or len(blocks) < len(self):
            out: Tensor = super().forward(x)
            return out
        x = F.pad(x, (1, 1, 1, 1), mode="replicate")
        for block in blocks[:-1]:
            found = block.find_framed(x)
            x = frame(torch.addcmul(x, block.gain, found, out=found if found.dtype == x.dtype else None))
        return torch.addcmul(inside(x), blocks[-1].gain, inside(blocks[-1].find_framed(x)))


def chain(width: int, blocks: int, kind: str = "residual", recurrent: bool = False) -> nn.Module:
    """Makes a chain of blocks.

    Args:
        width: Number of channels.
        blocks: Number of blocks.
        kind: Kind of block, one of `vaezoo_ladder.facts.BLOCKS`.
        recurrent: Whether all are the same block.
    """
    if recurrent and blocks:
        return Recurrent(KINDS[kind](width), blocks)
    return Chain(*(KINDS[kind](width) for _ in range(blocks)))


@final
class BottomUp(nn.Module):
    """A pyramid of features: from an unshuffled image downwards, by strided convolutions."""

    def __init__(
        self,
        inputs: int,
        widths: Sequence[int],
        blocks: int,
        finest_blocks: int | None = None,
        kind: str = "residual",
        recurrent: bool = False,
    ) -> None:
        super().__init__()
        self.front = conv3(inputs, widths[0])
        counts = [blocks if finest_blocks is None else finest_blocks, *(blocks for _ in widths[1:])]
        pairs = zip(widths, counts, strict=True)
        self.stages = nn.ModuleList(chain(width, count, kind, recurrent) for width, count in pairs)
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))

    def forward(self, x: Tensor, extra: Tensor | None = None) -> tuple[Tensor, ...]:
        """Returns features, coarse to fine, for x (B, inputs, h, w). ``extra`` is added to the first ones."""
        x = self.front(x) if extra is None else add_into(self.front(x), extra)
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x if index == 0 else self.downs[index - 1](x))
            features.append(x)
        return tuple(reversed(features))
