"""The encoder slot."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from vaezoo.core.beliefs.posterior import Posterior, Pyramid
from vaezoo.core.context import Context
from vaezoo.core.facts import EncoderConfig


class Encoder(ABC, nn.Module):
    """A network from an image to a belief.

    Args:
        config: Configuration with channels and stride. None if the class sets these attributes itself.

    Attributes:
        channels: Image channels C.
        stride: Pixels that height and width are multiples of.
        size: The only (H, W) that it takes; None for any size.
    """

    channels: int
    stride: int = 1
    size: tuple[int, int] | None = None

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        if config is not None:
            self.channels, self.stride = config.image_channels, config.stride

    @abstractmethod
    def forward(self, image: Tensor, context: Context) -> Posterior | Pyramid:
        """Returns a belief about the latents of an image (B, C, H, W)."""
