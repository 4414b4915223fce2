"""What the dense parts say of themselves, without torch."""

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
        image_size: Height and width, the one size it takes.
        hidden: Widths of the hidden layers.
        activation: ``relu``, ``silu``, ``tanh``, ``sigmoid``, ``gelu`` or ``glu``.
        context_vector: Dimensions of the context's vector, read beside the pixels; 0 for none.
        belief: ``gaussian``, ``dirac`` for a point and nothing else, or another of :mod:`vaezoo.core.beliefs`.
        modulate: ``film`` or ``adain``: the vector changes every hidden layer instead of being read beside the pixels.

    Raises:
        ConfigError: There is no such belief.
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
        """Returns what the encoder says of itself."""
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
        image_size: Height and width, the one size it gives.
        hidden: Widths of the hidden layers.
        activation: As the encoder's.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: A kind of scale, see :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector, read beside the latents; 0 for none.
        modulate: ``film`` or ``adain``: the vector changes every hidden layer instead of being read beside the latents.
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
        """Returns what the decoder says of itself."""
        kind = likelihood_fact(self.likelihood, self.scale)
        return DecoderFacts(
            Grid(self.latent_channels),
            kind,
            self.image_channels,
            (self.image_size[0], self.image_size[1]),
            vector=self.context_vector,
        )


__getattr__ = former_facts(__name__, encoder=DenseEncoderConfig, decoder=DenseDecoderConfig)
