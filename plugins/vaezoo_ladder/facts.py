"""What the ladder's parts say of themselves, without torch. ``widths`` and ``latents`` run fine to coarse."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import (
    ConditionerFacts,
    DecoderFacts,
    EncoderFacts,
    Grid,
    PriorFacts,
    check_modulate,
    check_widths,
    former_facts,
    likelihood_fact,
)
from vaezoo.errors import ConfigError

WIDTHS, LATENTS, EVIDENCE = (48, 72, 96), (4, 6, 8), (16, 24, 32)
"""The S size: 1.3 M parameters."""

BLOCKS, UNSHUFFLES = ("residual", "merged", "gated", "large-kernel", "attention"), (1, 2, 4)
"""Kinds of blocks, see `vaezoo_ladder.blocks`, and pixels a side that the finest cells may have."""

FACTORS = (2, 3, 4)
"""How many times as large as its input a ladder that enlarges can make a picture."""

TOP_WIDTHS, TOP_LATENTS, DEPTHS, SIZE = (16, 32), (2, 8), (1, 3), (28, 28)
"""The ladder that generates: channels, latents and levels per scale, fine to coarse."""


def grids(widths: tuple[int, ...], finest: int = 2) -> tuple[Grid, ...]:
    """Returns the pyramid's grids, coarse to fine; the finest level's stride is ``finest``."""
    return tuple(Grid(width, finest * 2**level) for level, width in reversed(list(enumerate(widths))))


@dataclass(frozen=True)
class PyramidConditionerConfig:
    """Parameters of :class:`vaezoo_ladder.networks.PyramidConditioner`.

    Attributes:
        image_channels: Channels C of a picture.
        widths: Channels per level, fine to coarse.
        blocks: Blocks per level.
        tells: Whether it takes the noise level, ``cond["sigma"]``; see :class:`NoiseLevel`.
        finest_blocks: Blocks at the finest level, where they cost most; None: as many as at the others.
        block: Kind of block, see `vaezoo_ladder.blocks`.
        recurrent: Whether a level's blocks are one block, again and again.
        unshuffle: Pixels a side of the finest level's cells, 2 or 4.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = WIDTHS
    blocks: int = 2
    tells: bool = False
    finest_blocks: int | None = None
    block: str = "residual"
    recurrent: bool = False
    unshuffle: int = 2

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        _check_kind(self.block, self.unshuffle)

    def facts(self) -> ConditionerFacts:
        """Returns what the conditioner says of itself."""
        return ConditionerFacts(
            self.image_channels, gives_image=True, features=grids(tuple(self.widths), self.unshuffle)
        )


@dataclass(frozen=True)
class PyramidEncoderConfig:
    """Parameters of :class:`vaezoo_ladder.networks.PyramidEncoder`.

    Attributes:
        image_channels: Channels C of a picture.
        evidence: Channels per level, fine to coarse.
        unshuffle: Pixels a side that the finest cells have, 1, 2 or 4.
    """

    image_channels: int = 3
    evidence: tuple[int, ...] = EVIDENCE
    unshuffle: int = 2

    def __post_init__(self) -> None:
        check_widths("evidence", self.evidence)
        _check_kind("residual", self.unshuffle)

    def facts(self) -> EncoderFacts:
        """Returns what the encoder says of itself."""
        return EncoderFacts(
            "pyramid", grids(tuple(self.evidence), self.unshuffle), self.image_channels, needs_image=True
        )


@dataclass(frozen=True)
class LadderPriorConfig:
    """Parameters of :func:`vaezoo_ladder.networks.ladder_prior`.

    Attributes:
        widths: Channels per level, fine to coarse.
        latents: Channels of z per level, fine to coarse.
        evidence: Channels of the evidence per level, fine to coarse.
        blocks: Blocks per level.
        block: Kind of block, see `vaezoo_ladder.blocks`.
        recurrent: Whether the blocks of a level are one block, used again.
        unshuffle: Pixels a side that the finest cells have, 1, 2 or 4.
        detail: Channels of a :class:`vaezoo_ladder.detail.DetailBranch` at the finest level; 0: none.
    """

    widths: tuple[int, ...] = WIDTHS
    latents: tuple[int, ...] = LATENTS
    evidence: tuple[int, ...] = EVIDENCE
    blocks: int = 2
    block: str = "residual"
    recurrent: bool = False
    unshuffle: int = 2
    detail: int = 0

    def __post_init__(self) -> None:
        for name, numbers in (("widths", self.widths), ("latents", self.latents), ("evidence", self.evidence)):
            check_widths(name, numbers, least=len(self.widths) or 1)
        _check_kind(self.block, self.unshuffle)
        if self.detail < 0:
            raise ConfigError(f"Expected detail as channels, 0 for no branch, got {self.detail}.", value=self.detail)

    def facts(self) -> PriorFacts:
        """Returns what the prior says of itself."""
        believed, known = (grids(tuple(numbers), self.unshuffle) for numbers in (self.evidence, self.widths))
        return PriorFacts(frozenset({"pyramid"}), believed, known[-1], features=known, detail=self.detail > 0)


@dataclass(frozen=True)
class ResidualDecoderConfig:
    """Parameters of :class:`vaezoo_ladder.networks.ResidualDecoder`.

    Attributes:
        image_channels: Channels C of a picture.
        widths: Channels per level, fine to coarse; the first is the state's.
        unshuffle: Pixels a side that the finest cells have, 1, 2 or 4.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = WIDTHS
    unshuffle: int = 2

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        _check_kind("residual", self.unshuffle)

    def facts(self) -> DecoderFacts:
        """Returns what the decoder says of itself."""
        return DecoderFacts(Grid(self.widths[0], self.unshuffle), "gaussian", self.image_channels, needs_image=True)


def _check_kind(block: str, unshuffle: int) -> None:
    if block not in BLOCKS:
        raise ConfigError(f"Expected block as one of {', '.join(BLOCKS)}, got {block!r}.", value=block)
    if unshuffle not in UNSHUFFLES:
        raise ConfigError(f"Expected unshuffle as 1, 2 or 4, got {unshuffle}.", value=unshuffle)


@dataclass(frozen=True)
class EnlargingConditionerConfig:
    """Parameters of :class:`vaezoo_ladder.enlarge.EnlargingConditioner`.

    Attributes:
        image_channels: Channels C of a picture.
        widths: Channels per level, fine to coarse.
        blocks: Blocks per level.
        finest_blocks: Blocks at the finest level; None: as many as at the others.
        block: Kind of block, see `vaezoo_ladder.blocks`.
        factors: How many times as large the target may be; the first where the condition ``factor`` is not told.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = WIDTHS
    blocks: int = 2
    finest_blocks: int | None = None
    block: str = "residual"
    factors: tuple[int, ...] = FACTORS

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        _check_kind(self.block, 1)
        _check_factors(self.factors)

    def facts(self) -> ConditionerFacts:
        """Returns what the conditioner says of itself."""
        return ConditionerFacts(
            self.image_channels, gives_image=True, features=grids(tuple(self.widths), 1), enlarges=tuple(self.factors)
        )


@dataclass(frozen=True)
class FoldingEncoderConfig:
    """Parameters of :class:`vaezoo_ladder.enlarge.FoldingEncoder`.

    Attributes:
        image_channels: Channels C of a picture.
        evidence: Channels per level, fine to coarse.
        factors: See :class:`EnlargingConditioner`; a first convolution for each.
    """

    image_channels: int = 3
    evidence: tuple[int, ...] = EVIDENCE
    factors: tuple[int, ...] = FACTORS

    def __post_init__(self) -> None:
        check_widths("evidence", self.evidence)
        _check_factors(self.factors)

    def facts(self) -> EncoderFacts:
        """Returns what the encoder says of itself."""
        return EncoderFacts(
            "pyramid",
            grids(tuple(self.evidence), 1),
            self.image_channels,
            needs_image=True,
            enlarges=tuple(self.factors),
        )


@dataclass(frozen=True)
class EnlargingDecoderConfig:
    """Parameters of :class:`vaezoo_ladder.enlarge.EnlargingDecoder`.

    Attributes:
        image_channels: Channels C of a picture.
        widths: Channels per level, fine to coarse; the first is the state's.
        factors: See :class:`EnlargingConditioner`; a head for each.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = WIDTHS
    factors: tuple[int, ...] = FACTORS

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        _check_factors(self.factors)

    def facts(self) -> DecoderFacts:
        """Returns what the decoder says of itself."""
        return DecoderFacts(
            Grid(self.widths[0], 1), "gaussian", self.image_channels, needs_image=True, enlarges=tuple(self.factors)
        )


def _check_factors(factors: tuple[int, ...]) -> None:
    check_widths("factors", factors, least=1)
    if min(factors) < 2 or len(set(factors)) < len(factors):
        raise ConfigError(
            f"Expected factors as different whole numbers of at least 2, got {list(factors)}.", value=tuple(factors)
        )


def levels(widths: tuple[int, ...], depths: tuple[int, ...]) -> tuple[Grid, ...]:
    """Returns the evidence of each level, coarse to fine, with as many levels a scale as ``depths`` says."""
    many = reversed(tuple(depths))
    return tuple(grid for grid, depth in zip(grids(widths), many, strict=True) for _ in range(depth))


@dataclass(frozen=True)
class BottomUpEncoderConfig:
    """Parameters of :class:`vaezoo_ladder.topdown.BottomUpEncoder`.

    Attributes:
        image_channels: Channels C of a picture.
        widths: Channels per scale, fine to coarse; the finest is at stride 2.
        depths: Levels of the ladder per scale, fine to coarse; 0 where a finer scale only leads to the coarser ones.
        blocks: Blocks per scale.
        squeeze: Channels of a block are divided by this inside.
        dropout: Share of a block's channels that training drops, see :class:`vaezoo_ladder.topdown.Block`.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: ``film`` or ``adain``: how the vector changes what each scale gives.
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
        """Returns what the encoder says of itself."""
        # a finer scale without a level leads down all the same
        asked = (*(depth or 1 for depth in self.depths[:-1]), *self.depths[-1:])
        _check_scales(self.dropout, self.squeeze, widths=self.widths, depths=asked)
        return EncoderFacts(
            "pyramid", levels(tuple(self.widths), tuple(self.depths)), self.image_channels, vector=self.context_vector
        )


@dataclass(frozen=True)
class TopDownPriorConfig:
    """Parameters of :func:`vaezoo_ladder.topdown.top_down_prior`.

    Attributes:
        widths: Channels per scale, fine to coarse.
        latents: Channels of each z per scale, fine to coarse.
        depths: Levels per scale, fine to coarse.
        squeeze: Channels of a block are divided by this inside.
        dropout: Share of a block's channels that training drops, see :class:`vaezoo_ladder.topdown.Block`.
        image_size: (H, W) that the top is learned at; other sizes resize it.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: ``film`` or ``adain``: how the vector changes the state that each level enters with.
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
        """Returns what the prior says of itself."""
        evidence = levels(tuple(self.widths), tuple(self.depths))
        return PriorFacts(frozenset({"pyramid"}), evidence, Grid(self.widths[0], 2), vector=self.context_vector)


@dataclass(frozen=True)
class ShuffleDecoderConfig:
    """Parameters of :class:`vaezoo_ladder.topdown.ShuffleDecoder`.

    Attributes:
        image_channels: Channels C of a picture.
        widths: Channels per scale, fine to coarse; the first is the state's.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: A kind of scale, see :class:`vaezoo.core.LikelihoodHead`.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = TOP_WIDTHS
    likelihood: str = "bernoulli"
    scale: float | str = "learned"

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)

    def facts(self) -> DecoderFacts:
        """Returns what the decoder says of itself."""
        return DecoderFacts(Grid(self.widths[0], 2), likelihood_fact(self.likelihood, self.scale), self.image_channels)


def _check_scales(dropout: float, squeeze: int, **numbers: tuple[int, ...]) -> None:
    for name, values in numbers.items():
        check_widths(name, values)
    counts = {name: len(values) for name, values in numbers.items()}
    if len(set(counts.values())) > 1:
        raise ConfigError(f"Expected one number a scale, the same count of each, got {counts}.", value=counts)
    if squeeze < 1:
        raise ConfigError(f"Expected a squeeze of at least 1, got {squeeze}.", value=squeeze)
    if not 0 <= dropout < 1:
        raise ConfigError(f"Expected a dropout in [0, 1), got {dropout}.", value=dropout)


__getattr__ = former_facts(
    __name__,
    conditioner=PyramidConditionerConfig,
    encoder=PyramidEncoderConfig,
    prior=LadderPriorConfig,
    decoder=ResidualDecoderConfig,
    enlarging=EnlargingConditionerConfig,
    folding=FoldingEncoderConfig,
    enlarged=EnlargingDecoderConfig,
    bottom_up=BottomUpEncoderConfig,
    top_down=TopDownPriorConfig,
    shuffle=ShuffleDecoderConfig,
)
