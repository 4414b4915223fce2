"""Configurations and facts of the transformers, without torch or timm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vaezoo.core.facts import (
    DecoderFacts,
    EncoderFacts,
    Grid,
    NetworkConfig,
    check_belief,
    check_modulate,
    former_facts,
    likelihood_fact,
)
from vaezoo.errors import ConfigError

KINDS = ("none", "film")
"""Modulations. ``adain`` is missing, since nothing would remain of an image with a single token."""


def check_transformer(image_size: tuple[int, ...], patch: int, width: int, blocks: int, heads: int) -> None:
    """Checks the settings of a transformer.

    Raises:
        ConfigError: A number is below 1, or ``heads`` does not divide ``width``.
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


@dataclass(frozen=True)
class ViTEncoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_vit.networks.ViTEncoder`.

    Attributes:
        image_size: (H, W) that positions are learned for. They are resampled for other sizes.
        patch: Side of a patch, in pixels.
        width: Number of channels of a token.
        blocks: Number of transformer blocks.
        heads: Number of attention heads. They share the width.
        backbone: Name of a timm network with one token per patch throughout, of its modules ``vision_transformer``,
            ``deit`` and ``eva``. It keeps its kind of block and takes its sizes from here. Its weights are new.
        options: Further arguments of ``timm.create_model``, such as ``{"reg_tokens": 4, "drop_path_rate": 0.1}``.
        context_vector: Dimensions of the context's vector; 0 for none.
        belief: Kind of belief: ``gaussian``, ``dirac`` for a point, or another of :mod:`vaezoo.core.beliefs`.
        modulate: Modulation ``film``: the vector also scales the features. ``none`` adds it only.

    Raises:
        BackendUnavailable: timm cannot be imported.
        UnknownName: timm has no such network.
        ConfigError: A setting is out of range, or the network does not accept an option.
    """

    image_size: tuple[int, int] = (28, 28)
    patch: int = 4
    width: int = 128
    blocks: int = 4
    heads: int = 4
    backbone: str = "vit_tiny_patch16_224"
    options: Any = None
    context_vector: int = 0
    belief: str = "gaussian"
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_transformer(self.image_size, self.patch, self.width, self.blocks, self.heads)
        check_modulate(self.modulate, self.context_vector, KINDS)

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
        grid = Grid(self.latent_channels, self.patch)
        return EncoderFacts(check_belief(self.belief), (grid,), self.image_channels, vector=self.context_vector)


@dataclass(frozen=True)
class ViTDecoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_vit.networks.ViTDecoder`.

    Attributes:
        image_size: (H, W) that positions are learned for. They are resampled for other sizes.
        patch: Side of a patch, in pixels.
        width: Number of channels of a token.
        blocks: Number of transformer blocks.
        heads: Number of attention heads. They share the width.
        likelihood: Kind of likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        scale: Scale of the likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: Modulation ``film``: the vector changes the output of each block. ``none`` adds it once.

    Raises:
        BackendUnavailable: timm cannot be imported.
        ConfigError: A setting is out of range.
    """

    image_size: tuple[int, int] = (28, 28)
    patch: int = 4
    width: int = 128
    blocks: int = 4
    heads: int = 4
    likelihood: str = "bernoulli"
    scale: float | str = "learned"
    context_vector: int = 0
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_transformer(self.image_size, self.patch, self.width, self.blocks, self.heads)
        check_modulate(self.modulate, self.context_vector, KINDS)

    def facts(self) -> DecoderFacts:
        """Returns the facts of the decoder."""
        kind = likelihood_fact(self.likelihood, self.scale)
        return DecoderFacts(
            Grid(self.latent_channels, self.patch), kind, self.image_channels, vector=self.context_vector
        )


__getattr__ = former_facts(__name__, encoder=ViTEncoderConfig, decoder=ViTDecoderConfig)
