"""What the convolutional parts say of themselves, without torch."""

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
        widths: Channels of the stages, each of which halves the resolution.
        gather: Side of the last, non-overlapping convolution: the cell's size in pixels is this times 2^stages.
        context_vector: Dimensions of the context's vector; 0 for none.
        belief: ``gaussian``, ``dirac`` for a point and nothing else, or another of :mod:`vaezoo.core.beliefs`.
        modulate: ``film`` or ``adain``: the vector changes what each stage gives instead of being added once.

    Raises:
        ConfigError: A width is below 1, or the part has no vector to be modulated by.
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
        """Returns what the encoder says of itself."""
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
        widths: Channels of the stages, as the encoder's; walked backwards.
        gather: As the encoder's.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: A kind of scale, see :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: As the encoder's.

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
        """Returns what the decoder says of itself."""
        grid = Grid(self.latent_channels, 2 ** len(self.widths) * self.gather)
        return DecoderFacts(
            grid, likelihood_fact(self.likelihood, self.scale), self.image_channels, vector=self.context_vector
        )


__getattr__ = former_facts(__name__, encoder=ConvEncoderConfig, decoder=ConvDecoderConfig)
