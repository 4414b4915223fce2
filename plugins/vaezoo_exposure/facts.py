"""What these parts say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.facts import ConditionerFacts, DecoderFacts, EncoderFacts, Grid, check_widths
from vaezoo.errors import ConfigError

SIDE, VECTOR, WIDTHS, HIDDEN = 64, 33, (16, 32, 32), 64
"""Pixels of a thumbnail's side, dimensions of the vector, channels of the thumbnail's layers, of the hidden ones."""


def check_vector(context_vector: int) -> None:
    """Refuses a vector without room for a feature beside the picture's light.

    Raises:
        ConfigError: It has no such room.
    """
    if context_vector < 2:
        raise ConfigError(
            f"Expected a context_vector of at least 2, the last for the picture's light, got {context_vector}.",
            hint=f"The usual one is {VECTOR}.",
            value=context_vector,
        )


def conditioner(
    image_channels: int = 3,
    context_vector: int = VECTOR,
    side: int = SIDE,
    widths: tuple[int, ...] = WIDTHS,
    hidden: int = HIDDEN,
) -> ConditionerFacts:
    """Facts of :class:`vaezoo_exposure.networks.ThumbnailConditioner`."""
    check_vector(context_vector)
    check_widths("side", (side,))
    check_widths("widths", widths)
    check_widths("hidden", (hidden,))
    return ConditionerFacts(image_channels, gives_image=True, vector=context_vector)


def encoder(
    latent_channels: int,
    image_channels: int = 3,
    context_vector: int = VECTOR,
    side: int = SIDE,
    hidden: int = HIDDEN,
) -> EncoderFacts:
    """Facts of :class:`vaezoo_exposure.networks.ThumbnailEncoder`."""
    check_vector(context_vector)
    check_widths("side", (side,))
    check_widths("hidden", (hidden,))
    grid = Grid(latent_channels)
    return EncoderFacts("gaussian", (grid,), image_channels, vector=context_vector, needs_image=True)


def decoder(
    latent_channels: int,
    image_channels: int = 3,
    context_vector: int = VECTOR,
    knots: int = 24,
    hidden: int = HIDDEN,
) -> DecoderFacts:
    """Facts of :class:`vaezoo_exposure.curve.ToneCurveDecoder`."""
    check_vector(context_vector)
    check_widths("knots", (knots,))
    check_widths("hidden", (hidden,))
    grid = Grid(latent_channels)
    return DecoderFacts(grid, "gaussian", image_channels, vector=context_vector, needs_image=True)
