"""What the ladder that enlarges says of its parts, without torch. ``widths`` and ``latents`` run fine to coarse."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import ConditionerFacts, DecoderFacts, EncoderFacts, Grid, check_widths
from vaezoo.errors import ConfigError
from vaezoo_ladder.facts.restore import EVIDENCE, WIDTHS, check_kind, grids

FACTORS = (2, 3, 4)
"""How many times as large as its input a ladder that enlarges can make a picture."""


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
        check_kind(self.block, 1)
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
