"""What the ladder's parts say of themselves, without torch. ``widths`` and ``latents`` run fine to coarse."""

from __future__ import annotations

from vaezoo.core.facts import ConditionerFacts, DecoderFacts, EncoderFacts, Grid, PriorFacts, check_widths

WIDTHS, LATENTS, EVIDENCE = (48, 72, 96), (4, 6, 8), (16, 24, 32)
"""The S size: 1.3 M parameters."""


def grids(widths: tuple[int, ...]) -> tuple[Grid, ...]:
    """Returns the pyramid's grids, coarse to fine; the finest level is at stride 2."""
    return tuple(Grid(width, 2 ** (level + 1)) for level, width in reversed(list(enumerate(widths))))


def conditioner(image_channels: int = 3, widths: tuple[int, ...] = WIDTHS, blocks: int = 2) -> ConditionerFacts:
    """Facts of :class:`vaezoo_ladder.networks.PyramidConditioner`."""
    check_widths("widths", widths)
    return ConditionerFacts(image_channels, gives_image=True, features=grids(tuple(widths)))


def encoder(image_channels: int = 3, evidence: tuple[int, ...] = EVIDENCE) -> EncoderFacts:
    """Facts of :class:`vaezoo_ladder.networks.PyramidEncoder`."""
    check_widths("evidence", evidence)
    return EncoderFacts("pyramid", grids(tuple(evidence)), image_channels, needs_image=True)


def prior(
    widths: tuple[int, ...] = WIDTHS,
    latents: tuple[int, ...] = LATENTS,
    evidence: tuple[int, ...] = EVIDENCE,
    blocks: int = 2,
) -> PriorFacts:
    """Facts of :func:`vaezoo_ladder.networks.ladder_prior`."""
    for name, numbers in (("widths", widths), ("latents", latents), ("evidence", evidence)):
        check_widths(name, numbers, least=len(widths) or 1)
    return PriorFacts(frozenset({"pyramid"}), grids(tuple(evidence)), Grid(widths[0], 2), features=grids(tuple(widths)))


def decoder(image_channels: int = 3, widths: tuple[int, ...] = WIDTHS) -> DecoderFacts:
    """Facts of :class:`vaezoo_ladder.networks.ResidualDecoder`."""
    check_widths("widths", widths)
    return DecoderFacts(Grid(widths[0], 2), "gaussian", image_channels, needs_image=True)
