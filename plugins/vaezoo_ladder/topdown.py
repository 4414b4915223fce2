"""The networks of a ladder VAE that generates: any number of levels at each scale, without a condition.

    x ─ unshuffle ─ blocks 1/2 ─ blocks 1/4              encoder: deterministic, once per image
                       │             │
    p(x|z) ◄─ levels 1/2 ◄─ levels 1/4 ◄─ learned top    prior: z at each level, the posterior walks along

All convolutions run at half resolution or less. Zero borders tell them their position. ``networks`` has the ladder that
restores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import (
    Context,
    Decoder,
    DiagonalGaussian,
    Encoder,
    LadderPrior,
    Level,
    Likelihood,
    LikelihoodHead,
    Pyramid,
    Revision,
    bound_logvar,
    modulated,
    modulations,
)
from vaezoo.core.facts import accepts_keywords

from .correction import REVISION, corrected
from .facts import (
    BottomUpEncoderConfig,
    ShuffleDecoderConfig,
    TopDownPriorConfig,
)


def scaled(layer: nn.Conv2d, factor: float) -> nn.Conv2d:
    """Returns the layer with its weights multiplied and its biases zero."""
    with torch.no_grad():
        layer.weight.mul_(factor)
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


@final
class Block(nn.Module):
    """x + f(x), with two 3×3 convolutions of ``hidden`` channels, between 1×1 ones if they are fewer than ``width``.

    Args:
        width: Number of channels of x.
        hidden: Number of channels inside.
        depth: Number of blocks in the ladder. The last weights start smaller by 1/√depth.
        dropout: Share of the inner channels' values that training drops.

    Source: Very Deep VAEs (Child, 2020), section 3 and figure 3, arXiv:2011.10650.
    """

    def __init__(self, width: int, hidden: int, depth: int, dropout: float = 0.0) -> None:
        super().__init__()
        narrow = hidden != width
        layers: list[nn.Module] = [nn.SiLU()]
        if narrow:
            layers += [nn.Conv2d(width, hidden, 1), nn.SiLU()]
        layers += [nn.Conv2d(hidden, hidden, 3, padding=1), nn.SiLU(), nn.Dropout(dropout)]
        last = nn.Conv2d(hidden, hidden, 3, padding=1)
        if narrow:
            layers += [last, nn.SiLU()]
            last = nn.Conv2d(hidden, width, 1)
        self.layers = nn.Sequential(*layers, scaled(last, 1 / math.sqrt(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """Returns (B, width, h, w) for x of the same shape."""
        out: Tensor = x + self.layers(x)
        return out


@final
class BottomUpEncoder(Encoder):
    """Evidence from the image: a feature for each level of the ladder. Levels of one scale share theirs.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(BottomUpEncoderConfig)
    def __init__(self, config: BottomUpEncoderConfig) -> None:
        super().__init__()
        self.channels, self.stride, self.depths = config.image_channels, 2 ** len(config.widths), tuple(config.depths)
        self.front = nn.Conv2d(4 * config.image_channels, config.widths[0], 3, padding=1)
        many = config.blocks * len(config.widths)
        self.scales = nn.ModuleList(
            nn.Sequential(*(Block(w, max(w // config.squeeze, 1), many, config.dropout) for _ in range(config.blocks)))
            for w in config.widths
        )
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(config.widths))
        self.told = modulations(
            config.modulate if config.context_vector else "none", config.context_vector, config.widths
        )

    def forward(self, image: Tensor, context: Context) -> Pyramid:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        x = self.front(F.pixel_unshuffle(2 * image - 1, 2))
        features: list[Tensor] = []
        for index, scale in enumerate(self.scales):
            x = modulated(self.told, index, scale(x if index == 0 else self.downs[index - 1](x)), context.vector)
            features += [x] * self.depths[index]
        return Pyramid(tuple(reversed(features)))


@final
class LearnedTop(nn.Module):
    """The initial state of a ladder without a condition: a learned grid, resized to the image.

    Args:
        width: Number of channels.
        stride: Pixels per cell.
        size: (H, W) for which it is learned.
    """

    def __init__(self, width: int, stride: int, size: Sequence[int]) -> None:
        super().__init__()
        self.stride = stride
        self.state = nn.Parameter(torch.zeros(1, width, *(-(-side // stride) for side in size)))

    def forward(self, rows: int, size: tuple[int, int]) -> Tensor:
        """Returns (rows, width, H/stride, W/stride) for an image of ``size`` (H, W)."""
        grid = [-(-side // self.stride) for side in size]
        state: Tensor = self.state
        if list(state.shape[2:]) != grid:
            state = F.interpolate(state, grid, mode="bilinear", align_corners=False)
        return state.expand(rows, -1, -1, -1)


@final
class TopDownLevel(Level):
    """A level: a block, p(z|h) by a 1×1 convolution, q = p + Δ from state and evidence, z added, a block.

    Args:
        width: Number of channels of its state.
        above: Number of channels of the coarser scale's state; None if the scale is the same.
        latents: Number of channels of z.
        hidden: Number of channels inside its blocks.
        depth: Number of levels of the whole ladder.
        stride: Pixels per cell.
        dropout: Share of the inner channels' values that training drops; see :class:`Block`.

    Source: Very Deep VAEs (Child, 2020), figure 3, arXiv:2011.10650; the residual posterior: NVAE (Vahdat and
    Kautz, 2020), section 3.2, arXiv:2007.03898.
    """

    def __init__(
        self, width: int, above: int | None, latents: int, hidden: int, depth: int, stride: int, dropout: float
    ) -> None:
        super().__init__()
        self.stride = stride
        self.up = None if above is None else nn.ConvTranspose2d(above, width, 2, stride=2)
        self.before, self.after = (Block(width, hidden, 2 * depth, dropout) for _ in range(2))
        self.believe = scaled(nn.Conv2d(width, 2 * latents, 1), 0.3)
        self.gather = nn.Conv2d(2 * width, hidden, 3, padding=1)
        self.correct = scaled(nn.Conv2d(hidden, 2 * latents, 1), 0.3)
        self.inject = nn.Conv2d(latents, width, 1)
        scaled(self.inject, 1 / math.sqrt(depth))
        self.revision = Revision(REVISION)

    def enter(self, state: Tensor | None, feature: Tensor | None) -> Tensor:
        """See :meth:`vaezoo.core.Level.enter`. The top state is learned, and no feature is read."""
        out: Tensor = self.before(state if self.up is None else self.up(state))
        return out

    def prior(self, state: Tensor) -> DiagonalGaussian:
        """See :meth:`vaezoo.core.Level.prior`."""
        mean, logvar = self.believe(F.silu(state)).chunk(2, 1)
        return DiagonalGaussian(mean, bound_logvar(logvar))

    def posterior(self, state: Tensor, evidence: Tensor, prior: DiagonalGaussian) -> DiagonalGaussian:
        """See :meth:`vaezoo.core.Level.posterior`."""
        both = self.gather(F.silu(torch.cat([state, evidence], 1)))
        mean, logvar = self.correct(F.silu(both)).chunk(2, 1)
        return corrected(prior, mean, logvar, self.revision)

    def leave(self, state: Tensor, z: Tensor) -> Tensor:
        """See :meth:`vaezoo.core.Level.leave`."""
        out: Tensor = self.after(state + self.inject(z))
        return out


@accepts_keywords(TopDownPriorConfig)
def top_down_prior(config: TopDownPriorConfig) -> LadderPrior:
    """Makes a ladder of :class:`TopDownLevel` with a learned top.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """
    levels: list[Level] = []
    for scale in reversed(range(len(config.widths))):
        for index in range(config.depths[scale]):
            above = config.widths[scale + 1] if index == 0 and scale + 1 < len(config.widths) else None
            hidden = max(config.widths[scale] // config.squeeze, 1)
            levels.append(
                TopDownLevel(
                    config.widths[scale],
                    above,
                    config.latents[scale],
                    hidden,
                    sum(config.depths),
                    2 ** (scale + 1),
                    config.dropout,
                )
            )
    states = [
        config.widths[scale] for scale in reversed(range(len(config.widths))) for _ in range(config.depths[scale])
    ]
    told = modulations(config.modulate if config.context_vector else "none", config.context_vector, states)
    return LadderPrior(levels, LearnedTop(config.widths[-1], 2 ** len(config.widths), config.image_size), told=told)


@final
class ShuffleDecoder(Decoder):
    """One convolution from the finest state to pixels, in squares of 2 × 2.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(ShuffleDecoderConfig)
    def __init__(self, config: ShuffleDecoderConfig) -> None:
        super().__init__()
        self.channels, self.stride = config.image_channels, 2
        self.head = LikelihoodHead(config.likelihood, config.image_channels, config.scale)
        self.project = nn.Conv2d(config.widths[0], 4 * self.head.outputs, 3, padding=1)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`."""
        likelihood: Likelihood = self.head(F.pixel_shuffle(self.project(F.silu(state)), 2))
        return likelihood
