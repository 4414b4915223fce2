"""The decoder slot."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from vaezoo.core.context import Context
from vaezoo.core.likelihood.base import Likelihood


class Decoder(ABC, nn.Module):
    """A network from a state to a likelihood; the last step, everything before it is the prior's.

    Attributes:
        channels: Image channels C.
        stride: Pixels per cell of the state.
        size: The one (H, W) it gives, or None for any.
    """

    channels: int
    stride: int = 1
    size: tuple[int, int] | None = None

    @abstractmethod
    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """Returns p(x|z) for state (K·B, ...); the context has K·B rows too."""
