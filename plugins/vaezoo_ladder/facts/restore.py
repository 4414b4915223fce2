"""Configurations and facts of the ladder that restores, without torch. ``widths``, ``latents``: fine to coarse."""

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
"""Sizes of the small model: 1.3 M parameters."""

BLOCKS, UNSHUFFLES = ("residual", "merged", "gated", "large-kernel", "attention"), (1, 2, 4)
"""Kinds of blocks (see `vaezoo_ladder.blocks`), and possible sides of the finest cells in pixels."""


def grids(widths: tuple[int, ...], finest: int = 2) -> tuple[Grid, ...]:
    """Returns the grids of the pyramid, coarse to fine. The finest level has stride ``finest``."""
    return tuple(Grid(width, finest * 2**level) for level, width in reversed(list(enumerate(widths))))


@dataclass(frozen=True)
class PyramidConditionerConfig:
    """Parameters of :class:`vaezoo_ladder.networks.PyramidConditioner`.

    Attributes:
        image_channels: Number of image channels C.
        widths: Number of channels per level, fine to coarse.
        blocks: Number of blocks per level.
        tells: Whether it takes the noise level, ``cond["sigma"]``; see :class:`NoiseLevel`.
        finest_blocks: Number of blocks at the finest level, where they cost most. None means as many as at the others.
        block: Kind of block; see `vaezoo_ladder.blocks`.
        recurrent: Whether all blocks of a level are the same block.
        unshuffle: Side in pixels of the finest level's cells, 2 or 4.
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
        """Returns the facts of the conditioner."""
        return ConditionerFacts(
            self.image_channels, gives_image=True, features=grids(tuple(self.widths), self.unshuffle)
        )


@dataclass(frozen=True)
class PyramidEncoderConfig:
    """Parameters of :class:`vaezoo_ladder.networks.PyramidEncoder`.

    Attributes:
        image_channels: Number of image channels C.
        evidence: Number of channels per level, fine to coarse.
        unshuffle: Side in pixels of the finest cells, 1, 2 or 4.
    """

    image_channels: int = 3
    evidence: tuple[int, ...] = EVIDENCE
    unshuffle: int = 2

    def __post_init__(self) -> None:
        check_widths("evidence", self.evidence)
        check_kind("residual", self.unshuffle)

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
        return EncoderFacts(
            "pyramid", grids(tuple(self.evidence), self.unshuffle), self.image_channels, needs_image=True
        )


@dataclass(frozen=True)
class LadderPriorConfig:
    """Parameters of :func:`vaezoo_ladder.networks.ladder_prior`.

    Attributes:
        widths: Number of channels per level, fine to coarse.
        latents: Number of latent channels per level, fine to coarse.
        evidence: Number of channels of the evidence per level, fine to coarse.
        blocks: Number of blocks per level.
        block: Kind of block; see `vaezoo_ladder.blocks`.
        recurrent: Whether all blocks of a level are the same block.
        unshuffle: Side in pixels of the finest cells, 1, 2 or 4.
        detail: Number of channels of a :class:`vaezoo_ladder.detail.DetailBranch` at the finest level; 0 for none.
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
        """Returns the facts of the prior."""
        believed, known = (grids(tuple(numbers), self.unshuffle) for numbers in (self.evidence, self.widths))
        return PriorFacts(frozenset({"pyramid"}), believed, known[-1], features=known, detail=self.detail > 0)


@dataclass(frozen=True)
class ResidualDecoderConfig:
    """Parameters of :class:`vaezoo_ladder.networks.ResidualDecoder`.

    Attributes:
        image_channels: Number of image channels C.
        widths: Number of channels per level, fine to coarse. The first is that of the state.
        unshuffle: Side in pixels of the finest cells, 1, 2 or 4.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = WIDTHS
    unshuffle: int = 2

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        check_kind("residual", self.unshuffle)

    def facts(self) -> DecoderFacts:
        """Returns the facts of the decoder."""
        return DecoderFacts(Grid(self.widths[0], self.unshuffle), "gaussian", self.image_channels, needs_image=True)


def check_kind(block: str, unshuffle: int) -> None:
    """Checks the kind of block and the side of the finest cells.

    Raises:
        ConfigError: ``block`` is not in `BLOCKS`, or ``unshuffle`` is not in `UNSHUFFLES`.
    """
    if block not in BLOCKS:
        raise ConfigError(f"Expected block as one of {', '.join(BLOCKS)}, got {block!r}.", value=block)
    if unshuffle not in UNSHUFFLES:
        raise ConfigError(f"Expected unshuffle as 1, 2 or 4, got {unshuffle}.", value=unshuffle)
