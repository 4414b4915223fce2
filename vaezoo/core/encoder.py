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
        config: Its configuration, which says channels and stride; None where the class sets them itself.

    Attributes:
        channels: Image channels C.
        stride: Heights and widths arrive as multiples of it.
        size: The one (H, W) it takes, or None for any.
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
        """Returns a belief about the latents of image (B, C, H, W)."""
