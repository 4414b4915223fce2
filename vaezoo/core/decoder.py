"""The decoder slot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial

from torch import Tensor, nn

from vaezoo.core.context import Context
from vaezoo.core.facts import DecoderConfig
from vaezoo.core.likelihood.base import Likelihood
from vaezoo.moved import former


class Decoder(ABC, nn.Module):
    """A network from the decoder's state to a likelihood. The prior makes the state.

    Args:
        config: Configuration with channels and stride. None if the class sets these attributes itself.

    Attributes:
        channels: Image channels C.
        stride: Pixels per cell of the state, along a side.
        size: The only (H, W) that it gives; None for any size.
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
        """Returns p(x|z) for a state (K·B, ...). The context has K·B rows too."""


__getattr__ = partial(former, __name__)
