"""What the residual parts say of themselves, without torch or timm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vaezoo.core.facts import (
    DecoderFacts,
    EncoderFacts,
    Grid,
    NetworkConfig,
    check_modulate,
    check_widths,
    former_facts,
    likelihood_fact,
)

ENCODER_KINDS = ("none", "film")
"""Not ``adain``: of the one cell that a small picture has at the deepest stride it would leave nothing."""


@dataclass(frozen=True)
class BackboneEncoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_resnet.networks.BackboneEncoder`.

    Attributes:
        backbone: A timm model that supports ``features_only``.
        options: Further arguments of ``timm.create_model``, such as ``{"channels": [32, 64, 96, 128]}``.
        latent_stride: Pixels per cell; the backbone must have features at it.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: ``film``: the vector scales the features too, instead of being added.

    Raises:
        BackendUnavailable: timm cannot be imported.
        UnknownName: timm has no such backbone.
        ConfigError: The backbone has no features at the stride, or refuses an option.
    """

    backbone: str = "resnet18"
    options: Any = None
    latent_stride: int = 32
    context_vector: int = 0
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_modulate(self.modulate, self.context_vector, ENCODER_KINDS)

    def facts(self) -> EncoderFacts:
        """Returns what the encoder says of itself."""
        return EncoderFacts(
            "gaussian",
            (Grid(self.latent_channels, self.latent_stride),),
            self.image_channels,
            vector=self.context_vector,
        )


@dataclass(frozen=True)
class ResidualUpDecoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_resnet.networks.ResidualUpDecoder`.

    Attributes:
        widths: Channels of the stages, fine to coarse, as a backbone lists its features; each doubles the resolution.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: A kind of scale, see :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: ``film`` or ``adain``: the vector changes what each stage gives instead of being added once.
    """

    widths: tuple[int, ...] = (32, 32, 64, 96, 128)
    likelihood: str = "bernoulli"
    scale: float | str = "learned"
    context_vector: int = 0
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        check_modulate(self.modulate, self.context_vector)

    def facts(self) -> DecoderFacts:
        """Returns what the decoder says of itself."""
        kind = likelihood_fact(self.likelihood, self.scale)
        return DecoderFacts(
            Grid(self.latent_channels, 2 ** len(self.widths)), kind, self.image_channels, vector=self.context_vector
        )


__getattr__ = former_facts(__name__, encoder=BackboneEncoderConfig, decoder=ResidualUpDecoderConfig)
