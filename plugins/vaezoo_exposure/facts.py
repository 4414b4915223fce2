"""Configurations and facts of the parts for exposure, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import ConditionerFacts, DecoderFacts, EncoderFacts, Grid, check_widths, former_facts
from vaezoo.errors import ConfigError

SIDE, VECTOR, WIDTHS, HIDDEN = 64, 33, (16, 32, 32), 64
"""Side of a thumbnail in pixels, dimensions of the vector, channels of the thumbnail's layers, hidden width."""


def check_vector(context_vector: int) -> None:
    """Raises if the vector has no room for a feature beside the image's light.

    Raises:
        ConfigError: ``context_vector`` is below 2.
    """
    if context_vector < 2:
        raise ConfigError(
            f"Expected a context_vector of at least 2, the last for the image's light, got {context_vector}.",
            hint=f"The usual one is {VECTOR}.",
            value=context_vector,
        )


@dataclass(frozen=True)
class ThumbnailConditionerConfig:
    """Parameters of :class:`vaezoo_exposure.networks.ThumbnailConditioner`.

    Attributes:
        image_channels: Number of image channels C.
        context_vector: Dimensions of the vector.
        side: Side of the thumbnail, in pixels.
        widths: Number of channels of each layer. Every layer halves the resolution.
        hidden: Width of the last hidden layer.
    """

    image_channels: int = 3
    context_vector: int = VECTOR
    side: int = SIDE
    widths: tuple[int, ...] = WIDTHS
    hidden: int = HIDDEN

    def __post_init__(self) -> None:
        check_vector(self.context_vector)
        check_widths("side", (self.side,))
        check_widths("widths", self.widths)
        check_widths("hidden", (self.hidden,))

    def facts(self) -> ConditionerFacts:
        """Returns the facts of the conditioner."""
        return ConditionerFacts(self.image_channels, gives_image=True, vector=self.context_vector)


@dataclass(frozen=True)
class ThumbnailEncoderConfig:
    """Parameters of :class:`vaezoo_exposure.networks.ThumbnailEncoder`.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        image_channels: Number of image channels C.
        context_vector: Dimensions of the context's vector.
        side: Side of the thumbnails, in pixels.
        hidden: Width of the hidden layers.
    """

    latent_channels: int
    image_channels: int = 3
    context_vector: int = VECTOR
    side: int = SIDE
    hidden: int = HIDDEN

    def __post_init__(self) -> None:
        check_vector(self.context_vector)
        check_widths("side", (self.side,))
        check_widths("hidden", (self.hidden,))

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
        grid = Grid(self.latent_channels)
        return EncoderFacts("gaussian", (grid,), self.image_channels, vector=self.context_vector, needs_image=True)


@dataclass(frozen=True)
class ToneCurveDecoderConfig:
    """Parameters of :class:`vaezoo_exposure.curve.ToneCurveDecoder`.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        image_channels: Number of image channels C.
        context_vector: Dimensions of the context's vector. Its last component is the logarithm of the mean light.
        knots: Number of pieces of the curve.
        hidden: Width of the hidden layers.
    """

    latent_channels: int
    image_channels: int = 3
    context_vector: int = VECTOR
    knots: int = 24
    hidden: int = HIDDEN

    def __post_init__(self) -> None:
        check_vector(self.context_vector)
        check_widths("knots", (self.knots,))
        check_widths("hidden", (self.hidden,))

    def facts(self) -> DecoderFacts:
        """Returns the facts of the decoder."""
        grid = Grid(self.latent_channels)
        return DecoderFacts(grid, "gaussian", self.image_channels, vector=self.context_vector, needs_image=True)


__getattr__ = former_facts(
    __name__, conditioner=ThumbnailConditionerConfig, encoder=ThumbnailEncoderConfig, decoder=ToneCurveDecoderConfig
)
