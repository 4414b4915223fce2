"""Configurations and facts of the convolutional parts, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import (
    DecoderFacts,
    EncoderFacts,
    Grid,
    NetworkConfig,
    check_belief,
    check_modulate,
    check_widths,
    former_facts,
    likelihood_fact,
)


@dataclass(frozen=True)
class ConvEncoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_conv.networks.ConvEncoder`.

    Attributes:
        widths: Number of channels of each stage. Every stage halves the resolution.
        gather: Side of the last, non-overlapping convolution. The side of a cell in pixels is this times 2^stages.
        context_vector: Dimensions of the context's vector; 0 for none.
        belief: Kind of belief: ``gaussian``, ``dirac`` for a point, or another of :mod:`vaezoo.core.beliefs`.
        modulate: Modulation, ``film`` or ``adain``: the vector changes the output of each stage. ``none`` adds it once.

    Raises:
        ConfigError: A width is below 1, or there is no vector for the modulation.
    """

    widths: tuple[int, ...] = (32, 64, 128)
    gather: int = 4
    context_vector: int = 0
    belief: str = "gaussian"
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        check_modulate(self.modulate, self.context_vector)

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
        return EncoderFacts(
            check_belief(self.belief),
            (Grid(self.latent_channels, 2 ** len(self.widths) * self.gather),),
            self.image_channels,
            vector=self.context_vector,
        )


@dataclass(frozen=True)
class ConvDecoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_conv.networks.ConvDecoder`.

    Attributes:
        widths: Number of channels of each stage, as for the encoder. They are used in reverse order.
        gather: Side of the non-overlapping convolution, as for the encoder.
        likelihood: Kind of likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        scale: Scale of the likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: Modulation, as for the encoder.

    Raises:
        ConfigError: As for the encoder.
    """

    widths: tuple[int, ...] = (32, 64, 128)
    gather: int = 4
    likelihood: str = "bernoulli"
    scale: float | str = "learned"
    context_vector: int = 0
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        check_modulate(self.modulate, self.context_vector)

    def facts(self) -> DecoderFacts:
        """Returns the facts of the decoder."""
        grid = Grid(self.latent_channels, 2 ** len(self.widths) * self.gather)
        return DecoderFacts(
            grid, likelihood_fact(self.likelihood, self.scale), self.image_channels, vector=self.context_vector
        )


__getattr__ = former_facts(__name__, encoder=ConvEncoderConfig, decoder=ConvDecoderConfig)
