"""What the residual parts say of themselves, without torch or timm."""

from __future__ import annotations

from typing import Any

from vaezoo.core.facts import DecoderFacts, EncoderFacts, Grid, check_modulate, check_widths, likelihood_fact

ENCODER_KINDS = ("none", "film")
"""Not ``adain``: of the one cell that a small picture has at the deepest stride it would leave nothing."""


def encoder(
    latent_channels: int,
    image_channels: int = 1,
    backbone: str = "resnet18",
    options: Any = None,
    latent_stride: int = 32,
    context_vector: int = 0,
    modulate: str = "none",
) -> EncoderFacts:
    """Facts of :class:`vaezoo_resnet.networks.BackboneEncoder`."""
    check_modulate(modulate, context_vector, ENCODER_KINDS)
    return EncoderFacts("gaussian", (Grid(latent_channels, latent_stride),), image_channels, vector=context_vector)


def decoder(
    latent_channels: int,
    image_channels: int = 1,
    widths: tuple[int, ...] = (32, 32, 64, 96, 128),
    likelihood: str = "bernoulli",
    scale: float | str = "learned",
    context_vector: int = 0,
    modulate: str = "none",
) -> DecoderFacts:
    """Facts of :class:`vaezoo_resnet.networks.ResidualUpDecoder`."""
    check_widths("widths", widths)
    check_modulate(modulate, context_vector)
    kind = likelihood_fact(likelihood, scale)
    return DecoderFacts(Grid(latent_channels, 2 ** len(widths)), kind, image_channels, vector=context_vector)
