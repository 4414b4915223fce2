"""What the dense parts say of themselves, without torch."""

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
    image_size: tuple[int, int] = (28, 28),
    hidden: tuple[int, ...] = (512, 256),
    activation: str = "silu",
    context_vector: int = 0,
    belief: str = "gaussian",
    modulate: str = "none",
) -> EncoderFacts:
    """Facts of :class:`vaezoo_mlp.networks.DenseEncoder`."""
    check_widths("hidden", hidden, least=0)
    check_modulate(modulate, context_vector)
    return EncoderFacts(
        check_belief(belief),
        (Grid(latent_channels),),
        image_channels,
        (image_size[0], image_size[1]),
        vector=context_vector,
    )


def decoder(
    latent_channels: int,
    image_channels: int = 1,
    image_size: tuple[int, int] = (28, 28),
    hidden: tuple[int, ...] = (256, 512),
    activation: str = "silu",
    likelihood: str = "bernoulli",
    scale: float | str = "learned",
    context_vector: int = 0,
    modulate: str = "none",
) -> DecoderFacts:
    """Facts of :class:`vaezoo_mlp.networks.DenseDecoder`."""
    check_widths("hidden", hidden, least=0)
    check_modulate(modulate, context_vector)
    kind = likelihood_fact(likelihood, scale)
    return DecoderFacts(
        Grid(latent_channels), kind, image_channels, (image_size[0], image_size[1]), vector=context_vector
    )
