"""What the ladder that restores says of its parts, without torch. ``widths`` and ``latents`` run fine to coarse."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import (
    ConditionerFacts,
    DecoderFacts,
    EncoderFacts,
    Grid,
    PriorFacts,
    check_widths,
)
from vaezoo.errors import ConfigError

WIDTHS, LATENTS, EVIDENCE = (48, 72, 96), (4, 6, 8), (16, 24, 32)
"""The S size: 1.3 M parameters."""

BLOCKS, UNSHUFFLES = ("residual", "merged", "gated", "large-kernel", "attention"), (1, 2, 4)
"""Kinds of blocks, see `vaezoo_ladder.blocks`, and pixels a side that the finest cells may have."""


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
        check_kind(self.block, self.unshuffle)

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
        check_kind("residual", self.unshuffle)

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
        check_kind(self.block, self.unshuffle)
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
        check_kind("residual", self.unshuffle)

    def facts(self) -> DecoderFacts:
        """Returns what the decoder says of itself."""
        return DecoderFacts(Grid(self.widths[0], self.unshuffle), "gaussian", self.image_channels, needs_image=True)


def check_kind(block: str, unshuffle: int) -> None:
    """Refuses an unknown kind of block, and cells of another side.

    Raises:
        ConfigError: ``block`` is none of `BLOCKS`, or ``unshuffle`` none of `UNSHUFFLES`.
    """
    if block not in BLOCKS:
        raise ConfigError(f"Expected block as one of {', '.join(BLOCKS)}, got {block!r}.", value=block)
    if unshuffle not in UNSHUFFLES:
        raise ConfigError(f"Expected unshuffle as 1, 2 or 4, got {unshuffle}.", value=unshuffle)
