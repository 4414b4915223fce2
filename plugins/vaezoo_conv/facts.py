"""What the convolutional parts say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.facts import (
    DecoderFacts,
    EncoderFacts,
    Grid,
    check_belief,
    check_modulate,
    check_widths,
    likelihood_fact,
)


def encoder(
    latent_channels: int,
    image_channels: int = 1,
    widths: tuple[int, ...] = (32, 64, 128),
    gather: int = 4,
    context_vector: int = 0,
    belief: str = "gaussian",
    modulate: str = "none",
) -> EncoderFacts:
    """Facts of :class:`vaezoo_conv.networks.ConvEncoder`."""
    check_widths("widths", widths)
    check_modulate(modulate, context_vector)
    return EncoderFacts(
        check_belief(belief), (Grid(latent_channels, 2 ** len(widths) * gather),), image_channels, vector=context_vector
    )


def decoder(
    latent_channels: int,
    image_channels: int = 1,
    widths: tuple[int, ...] = (32, 64, 128),
    gather: int = 4,
    likelihood: str = "bernoulli",
    scale: float | str = "learned",
    context_vector: int = 0,
    modulate: str = "none",
) -> DecoderFacts:
    """Facts of :class:`vaezoo_conv.networks.ConvDecoder`."""
    check_widths("widths", widths)
    check_modulate(modulate, context_vector)
    grid = Grid(latent_channels, 2 ** len(widths) * gather)
    return DecoderFacts(grid, likelihood_fact(likelihood, scale), image_channels, vector=context_vector)
