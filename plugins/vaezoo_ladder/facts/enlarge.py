"""Configurations and facts of the ladder that enlarges, without torch. ``widths``, ``latents``: fine to coarse."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import ConditionerFacts, DecoderFacts, EncoderFacts, Grid, check_widths
from vaezoo.errors import ConfigError
from vaezoo_ladder.facts.restore import EVIDENCE, WIDTHS, check_kind, grids

FACTORS = (2, 3, 4)
"""Factors by which a ladder can enlarge an image."""


@dataclass(frozen=True)
class EnlargingConditionerConfig:
    """Parameters of :class:`vaezoo_ladder.enlarge.EnlargingConditioner`.

    Attributes:
        image_channels: Number of image channels C.
        widths: Number of channels per level, fine to coarse.
        blocks: Number of blocks per level.
        finest_blocks: Number of blocks at the finest level. None means as many as at the others.
        block: Kind of block; see `vaezoo_ladder.blocks`.
        factors: Factors of enlargement. The first is used without the condition ``factor``.
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
        """Returns the facts of the conditioner."""
        return ConditionerFacts(
            self.image_channels, gives_image=True, features=grids(tuple(self.widths), 1), enlarges=tuple(self.factors)
        )


@dataclass(frozen=True)
class FoldingEncoderConfig:
    """Parameters of :class:`vaezoo_ladder.enlarge.FoldingEncoder`.

    Attributes:
        image_channels: Number of image channels C.
        evidence: Number of channels per level, fine to coarse.
        factors: Factors of enlargement, as for :class:`EnlargingConditioner`. Each has its own first convolution.
    """

    image_channels: int = 3
    evidence: tuple[int, ...] = EVIDENCE
    factors: tuple[int, ...] = FACTORS

    def __post_init__(self) -> None:
        check_widths("evidence", self.evidence)
        _check_factors(self.factors)

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
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
        image_channels: Number of image channels C.
        widths: Number of channels per level, fine to coarse. The first is that of the state.
        factors: Factors of enlargement, as for :class:`EnlargingConditioner`. Each has its own head.
    """

    image_channels: int = 3
    widths: tuple[int, ...] = WIDTHS
    factors: tuple[int, ...] = FACTORS

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        _check_factors(self.factors)

    def facts(self) -> DecoderFacts:
        """Returns the facts of the decoder."""
        return DecoderFacts(
            Grid(self.widths[0], 1), "gaussian", self.image_channels, needs_image=True, enlarges=tuple(self.factors)
        )


def _check_factors(factors: tuple[int, ...]) -> None:
    check_widths("factors", factors, least=1)
    if min(factors) < 2 or len(set(factors)) < len(factors):
        raise ConfigError(
            f"Expected factors as different whole numbers of at least 2, got {list(factors)}.", value=tuple(factors)
        )
