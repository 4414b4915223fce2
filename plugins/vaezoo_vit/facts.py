"""What the transformers say of themselves, without torch or timm."""

from __future__ import annotations

from typing import Any

from vaezoo.core.facts import (
    DecoderFacts,
    EncoderFacts,
    Grid,
    check_belief,
    check_modulate,
    likelihood_fact,
)
from vaezoo.errors import ConfigError

KINDS = ("none", "film")
"""Not ``adain``: of the one token that a picture of one patch has it would leave nothing."""


def check_transformer(image_size: tuple[int, ...], patch: int, width: int, blocks: int, heads: int) -> None:
    """Refuses a transformer that cannot be built.

    Raises:
        ConfigError: A number is below 1, or the heads cannot share the width equally.
    """
    if len(image_size) != 2 or min(image_size) < 1:
        raise ConfigError(
            f"Expected image_size as height and width of at least 1, got {list(image_size)}.", value=tuple(image_size)
        )
    numbers = {"patch": patch, "width": width, "blocks": blocks, "heads": heads}
    if min(numbers.values()) < 1:
        raise ConfigError(f"Expected patch, width, blocks and heads of at least 1, got {numbers}.", value=numbers)
    if width % heads:
        raise ConfigError(f"Expected heads to divide the width of {width}, got {heads}.", value=heads)


def encoder(
    latent_channels: int,
    image_channels: int = 1,
    image_size: tuple[int, int] = (28, 28),
    patch: int = 4,
    width: int = 128,
    blocks: int = 4,
    heads: int = 4,
    backbone: str = "vit_tiny_patch16_224",
    options: Any = None,
    context_vector: int = 0,
    belief: str = "gaussian",
    modulate: str = "none",
) -> EncoderFacts:
    """Facts of :class:`vaezoo_vit.networks.ViTEncoder`."""
    check_transformer(image_size, patch, width, blocks, heads)
    check_modulate(modulate, context_vector, KINDS)
    grid = Grid(latent_channels, patch)
    return EncoderFacts(check_belief(belief), (grid,), image_channels, vector=context_vector)


def decoder(
    latent_channels: int,
    image_channels: int = 1,
    image_size: tuple[int, int] = (28, 28),
    patch: int = 4,
    width: int = 128,
    blocks: int = 4,
    heads: int = 4,
    likelihood: str = "bernoulli",
    scale: float | str = "learned",
    context_vector: int = 0,
    modulate: str = "none",
) -> DecoderFacts:
    """Facts of :class:`vaezoo_vit.networks.ViTDecoder`."""
    check_transformer(image_size, patch, width, blocks, heads)
    check_modulate(modulate, context_vector, KINDS)
    kind = likelihood_fact(likelihood, scale)
    return DecoderFacts(Grid(latent_channels, patch), kind, image_channels, vector=context_vector)
