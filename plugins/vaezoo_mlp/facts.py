"""Configurations and facts of the dense parts, without torch."""

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
class DenseEncoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_mlp.networks.DenseEncoder`.

    Attributes:
        image_size: (H, W), the only size that it takes.
        hidden: Widths of the hidden layers.
        activation: Activation: ``relu``, ``silu``, ``tanh``, ``sigmoid``, ``gelu`` or ``glu``.
        context_vector: Dimensions of the context's vector, an input beside the pixels; 0 for none.
        belief: Kind of belief: ``gaussian``, ``dirac`` for a point, or another of :mod:`vaezoo.core.beliefs`.
        modulate: Modulation, ``film`` or ``adain``, of every hidden layer by the vector. ``none`` makes it an input.

    Raises:
        ConfigError: The kind of belief is unknown.
    """

    image_size: tuple[int, int] = (28, 28)
    hidden: tuple[int, ...] = (512, 256)
    activation: str = "silu"
    context_vector: int = 0
    belief: str = "gaussian"
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_widths("hidden", self.hidden, least=0)
        check_modulate(self.modulate, self.context_vector)

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
        return EncoderFacts(
            check_belief(self.belief),
            (Grid(self.latent_channels),),
            self.image_channels,
            (self.image_size[0], self.image_size[1]),
            vector=self.context_vector,
        )


@dataclass(frozen=True)
class DenseDecoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_mlp.networks.DenseDecoder`.

    Attributes:
        image_size: (H, W), the only size that it gives.
        hidden: Widths of the hidden layers.
        activation: Activation, as for the encoder.
        likelihood: Kind of likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        scale: Scale of the likelihood; see :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector, an input beside the latents; 0 for none.
        modulate: Modulation, ``film`` or ``adain``, of every hidden layer by the vector. ``none`` makes it an input.
    """

    image_size: tuple[int, int] = (28, 28)
    hidden: tuple[int, ...] = (256, 512)
    activation: str = "silu"
    likelihood: str = "bernoulli"
    scale: float | str = "learned"
    context_vector: int = 0
    modulate: str = "none"

    def __post_init__(self) -> None:
        check_widths("hidden", self.hidden, least=0)
        check_modulate(self.modulate, self.context_vector)

    def facts(self) -> DecoderFacts:
        """Returns the facts of the decoder."""
        kind = likelihood_fact(self.likelihood, self.scale)
        return DecoderFacts(
            Grid(self.latent_channels),
            kind,
            self.image_channels,
            (self.image_size[0], self.image_size[1]),
            vector=self.context_vector,
        )


__getattr__ = former_facts(__name__, encoder=DenseEncoderConfig, decoder=DenseDecoderConfig)
