"""The decoder slot."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from vaezoo.core.context import Context
from vaezoo.core.facts import DecoderConfig
from vaezoo.core.likelihood.base import Likelihood


class Decoder(ABC, nn.Module):
    """A network from a state to a likelihood; the last step, everything before it is the prior's.

    Args:
        config: Its configuration, which says channels and stride; None where the class sets them itself.

    Attributes:
        channels: Image channels C.
        stride: Pixels per cell of the state.
        size: The one (H, W) it gives, or None for any.
    """

    channels: int
    stride: int = 1
    size: tuple[int, int] | None = None

    def __init__(self, config: DecoderConfig | None = None) -> None:
        super().__init__()
        if config is not None:
            self.channels, self.stride = config.image_channels, config.stride

    @abstractmethod
    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """Returns p(x|z) for state (K·B, ...); the context has K·B rows too."""
