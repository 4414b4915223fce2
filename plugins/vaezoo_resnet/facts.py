"""Configurations and facts of the residual parts, without torch or timm."""

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
"""Modulations.

``adain`` is missing, since nothing would remain of a small image's single cell at the deepest stride.
"""


@dataclass(frozen=True)
class BackboneEncoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_resnet.networks.BackboneEncoder`.

    Attributes:
        backbone: Name of a timm model that supports ``features_only``.
        options: Further arguments of ``timm.create_model``, such as ``{"channels": [32, 64, 96, 128]}``.
        latent_stride: Pixels per cell, along a side. The backbone must have features at this stride.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: Modulation ``film``: the vector also scales the features. ``none`` adds it only.

    Raises:
        BackendUnavailable: timm cannot be imported.
        UnknownName: timm has no such backbone.
        ConfigError: The backbone has no features at the stride, or does not accept an option.
    """

    backbone: str = "resnet18"
    options: Any = None
    latent_stride: int = 32
    context_vector: int = 0
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_modulate(self.modulate, self.context_vector, ENCODER_KINDS)

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
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
        widths: Number of channels of each stage, fine to coarse, like a backbone's. Every stage doubles the resolution.
        likelihood: Kind of likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        scale: Scale of the likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: Modulation, ``film`` or ``adain``: the vector changes the output of each stage. ``none`` adds it once.
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
        """Returns the facts of the decoder."""
        kind = likelihood_fact(self.likelihood, self.scale)
        return DecoderFacts(
            Grid(self.latent_channels, 2 ** len(self.widths)), kind, self.image_channels, vector=self.context_vector
        )


__getattr__ = former_facts(__name__, encoder=BackboneEncoderConfig, decoder=ResidualUpDecoderConfig)
