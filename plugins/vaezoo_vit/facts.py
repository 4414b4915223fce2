"""What the transformers say of themselves, without torch or timm."""

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


@dataclass(frozen=True)
class ViTEncoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_vit.networks.ViTEncoder`.

    Attributes:
        image_size: (H, W) that positions are learned for; for other sizes they are resampled.
        patch: Side of a patch, in pixels.
        width: Channels of a token.
        blocks: Transformer blocks.
        heads: Attention heads; they share the width.
        backbone: A timm network with one token for each patch throughout, of its modules ``vision_transformer``,
            ``deit`` and ``eva``; it keeps its kind of block and takes its sizes from here. Its weights are new.
        options: Further arguments of ``timm.create_model``, such as ``{"reg_tokens": 4, "drop_path_rate": 0.1}``.
        context_vector: Dimensions of the context's vector; 0 for none.
        belief: ``gaussian``, ``dirac`` for a point and nothing else, or another of :mod:`vaezoo.core.beliefs`.
        modulate: ``film``: the vector scales the features too, instead of being added.

    Raises:
        BackendUnavailable: timm cannot be imported.
        UnknownName: timm has no such network.
        ConfigError: A setting is outside its range, or the network refuses an option.
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
        """Returns what the encoder says of itself."""
        grid = Grid(self.latent_channels, self.patch)
        return EncoderFacts(check_belief(self.belief), (grid,), self.image_channels, vector=self.context_vector)


@dataclass(frozen=True)
class ViTDecoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_vit.networks.ViTDecoder`.

    Attributes:
        image_size: (H, W) that positions are learned for; for other sizes they are resampled.
        patch: Side of a patch, in pixels.
        width: Channels of a token.
        blocks: Transformer blocks.
        heads: Attention heads; they share the width.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: A kind of scale, see :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: ``film``: the vector changes what each block gives instead of being added once.

    Raises:
        BackendUnavailable: timm cannot be imported.
        ConfigError: A setting is outside its range.
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
        """Returns what the decoder says of itself."""
        kind = likelihood_fact(self.likelihood, self.scale)
        return DecoderFacts(
            Grid(self.latent_channels, self.patch), kind, self.image_channels, vector=self.context_vector
        )


__getattr__ = former_facts(__name__, encoder=ViTEncoderConfig, decoder=ViTDecoderConfig)
