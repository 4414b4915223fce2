"""Configurations and facts of the ladder that generates, without torch. ``widths``, ``latents``: fine to coarse."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import (
    DecoderFacts,
    EncoderFacts,
    Grid,
    PriorFacts,
    check_modulate,
    check_widths,
    likelihood_fact,
)
from vaezoo.errors import ConfigError
from vaezoo_ladder.facts.restore import grids

TOP_WIDTHS, TOP_LATENTS, DEPTHS, SIZE = (16, 32), (2, 8), (1, 3), (28, 28)
"""Defaults of the ladder that generates: channels, latents and levels per scale, fine to coarse; image size."""


def levels(widths: tuple[int, ...], depths: tuple[int, ...]) -> tuple[Grid, ...]:
    """Returns the grid of each level's evidence, coarse to fine, with ``depths`` levels per scale."""
    many = reversed(tuple(depths))
    return tuple(grid for grid, depth in zip(grids(widths), many, strict=True) for _ in range(depth))


@dataclass(frozen=True)
class BottomUpEncoderConfig:
    """Parameters of :class:`vaezoo_ladder.topdown.BottomUpEncoder`.

    Attributes:
        image_channels: Number of image channels C.
        widths: Number of channels per scale, fine to coarse. The finest has stride 2.
        depths: Number of levels per scale, fine to coarse. 0 for a scale that only leads to coarser ones.
        blocks: Number of blocks per scale.
        squeeze: Divisor of the channels inside a block.
        dropout: Share of a block's channels that training drops; see :class:`vaezoo_ladder.topdown.Block`.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: Modulation, ``film`` or ``adain``, of the output of each scale by the vector.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = TOP_WIDTHS
    depths: tuple[int, ...] = DEPTHS
    blocks: int = 2
    squeeze: int = 1
    dropout: float = 0.0
    context_vector: int = 0
    modulate: str = "film"

    def __post_init__(self) -> None:
        check_modulate(self.modulate, self.context_vector or 1, ("film", "adain"))

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
        # a finer scale without levels still leads to the coarser ones
        asked = (*(depth or 1 for depth in self.depths[:-1]), *self.depths[-1:])
        _check_scales(self.dropout, self.squeeze, widths=self.widths, depths=asked)
        return EncoderFacts(
            "pyramid", levels(tuple(self.widths), tuple(self.depths)), self.image_channels, vector=self.context_vector
        )


@dataclass(frozen=True)
class TopDownPriorConfig:
    """Parameters of :func:`vaezoo_ladder.topdown.top_down_prior`.

    Attributes:
        widths: Number of channels per scale, fine to coarse.
        latents: Number of latent channels per scale, fine to coarse.
        depths: Number of levels per scale, fine to coarse.
        squeeze: Divisor of the channels inside a block.
        dropout: Share of a block's channels that training drops; see :class:`vaezoo_ladder.topdown.Block`.
        image_size: (H, W) for which the top state is learned. It is resized for other sizes.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: Modulation, ``film`` or ``adain``, of the initial state of each level by the vector.
    """

    widths: tuple[int, ...] = TOP_WIDTHS
    latents: tuple[int, ...] = TOP_LATENTS
    depths: tuple[int, ...] = DEPTHS
    squeeze: int = 1
    dropout: float = 0.0
    image_size: tuple[int, int] = SIZE
    context_vector: int = 0
    modulate: str = "film"

    def __post_init__(self) -> None:
        _check_scales(self.dropout, self.squeeze, widths=self.widths, latents=self.latents, depths=self.depths)
        check_modulate(self.modulate, self.context_vector or 1, ("film", "adain"))

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        evidence = levels(tuple(self.widths), tuple(self.depths))
        return PriorFacts(frozenset({"pyramid"}), evidence, Grid(self.widths[0], 2), vector=self.context_vector)


@dataclass(frozen=True)
class ShuffleDecoderConfig:
    """Parameters of :class:`vaezoo_ladder.topdown.ShuffleDecoder`.

    Attributes:
        image_channels: Number of image channels C.
        widths: Number of channels per scale, fine to coarse. The first is that of the state.
        likelihood: Kind of likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        scale: Scale of the likelihood; see :class:`vaezoo.core.LikelihoodHead`.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = TOP_WIDTHS
    likelihood: str = "bernoulli"
    scale: float | str = "learned"

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)

    def facts(self) -> DecoderFacts:
        """Returns the facts of the decoder."""
        return DecoderFacts(Grid(self.widths[0], 2), likelihood_fact(self.likelihood, self.scale), self.image_channels)


def _check_scales(dropout: float, squeeze: int, **numbers: tuple[int, ...]) -> None:
    for name, values in numbers.items():
        check_widths(name, values)
    counts = {name: len(values) for name, values in numbers.items()}
    if len(set(counts.values())) > 1:
        raise ConfigError(f"Expected one number per scale, and equal counts, got {counts}.", value=counts)
    if squeeze < 1:
        raise ConfigError(f"Expected a squeeze of at least 1, got {squeeze}.", value=squeeze)
    if not 0 <= dropout < 1:
        raise ConfigError(f"Expected a dropout in [0, 1), got {dropout}.", value=dropout)
