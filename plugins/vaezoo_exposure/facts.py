"""What these parts say of themselves, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import ConditionerFacts, DecoderFacts, EncoderFacts, Grid, check_widths, former_facts
from vaezoo.errors import ConfigError

SIDE, VECTOR, WIDTHS, HIDDEN = 64, 33, (16, 32, 32), 64
"""Pixels of a thumbnail's side, dimensions of the vector, channels of the thumbnail's layers, of the hidden ones."""


def check_vector(context_vector: int) -> None:
    """Refuses a vector without room for a feature beside the picture's light.

    Raises:
        ConfigError: It has no such room.
    """
    if context_vector < 2:
        raise ConfigError(
            f"Expected a context_vector of at least 2, the last for the picture's light, got {context_vector}.",
            hint=f"The usual one is {VECTOR}.",
            value=context_vector,
        )


@dataclass(frozen=True)
class ThumbnailConditionerConfig:
    """Parameters of :class:`vaezoo_exposure.networks.ThumbnailConditioner`.

    Attributes:
        image_channels: Channels C of a picture.
        context_vector: Dimensions of the vector.
        side: Side of the thumbnail, in pixels.
        widths: Channels of the layers, each of which halves the resolution.
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
        """Returns what the conditioner says of itself."""
        return ConditionerFacts(self.image_channels, gives_image=True, vector=self.context_vector)


@dataclass(frozen=True)
class ThumbnailEncoderConfig:
    """Parameters of :class:`vaezoo_exposure.networks.ThumbnailEncoder`.

    Attributes:
        latent_channels: Latent dimensions D, in each cell.
        image_channels: Channels C of a picture.
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
        """Returns what the encoder says of itself."""
        grid = Grid(self.latent_channels)
        return EncoderFacts("gaussian", (grid,), self.image_channels, vector=self.context_vector, needs_image=True)


@dataclass(frozen=True)
class ToneCurveDecoderConfig:
    """Parameters of :class:`vaezoo_exposure.curve.ToneCurveDecoder`.

    Attributes:
        latent_channels: Latent dimensions D, in each cell.
        image_channels: Channels C of a picture.
        context_vector: Dimensions of the context's vector, whose last component is the logarithm of the mean light.
        knots: Pieces of the curve.
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
        """Returns what the decoder says of itself."""
        grid = Grid(self.latent_channels)
        return DecoderFacts(grid, "gaussian", self.image_channels, vector=self.context_vector, needs_image=True)


__getattr__ = former_facts(
    __name__, conditioner=ThumbnailConditionerConfig, encoder=ThumbnailEncoderConfig, decoder=ToneCurveDecoderConfig
)
