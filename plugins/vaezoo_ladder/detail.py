"""A branch that gives samples texture, and the mean path none. The loss that teaches it is another plugin's."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import bound_logvar

LOUDNESS = (-12.0, 4.0)
"""Soft bounds of s: texture from 0.0025 to 7.4 times as strong."""


def plain3(inputs: int, outputs: int) -> nn.Conv2d:
    """Returns a 3×3 convolution that repeats the edge and adds no bias, so that it is zero where its input is."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate", bias=False)


@final
class DetailBranch(nn.Module):
    """out(g₂(h) · mix(tanh(g₁(h) · spread(ε)))): what noise ε becomes at a place whose state is h.

    The gates read the state, so that texture may be strong here and absent there; g₂ = exp ½s, s linear in the state
    and bounded, as the decoder's log σ² is. Nothing else has a bias, and tanh is odd: D(h, 0) = 0 exactly, and
    D(h, −ε) = −D(h, ε), so mirrored samples of one state have the mean path as mean.

    Args:
        width: Channels of the state.
        latents: Channels of ε.
        channels: Channels of the texture inside.
    """

    def __init__(self, width: int, latents: int, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(width, 2 * channels, 3, padding=1, padding_mode="replicate")
        self.spread, self.mix = plain3(latents, channels), plain3(channels, channels)
        self.out = plain3(channels, width)
        self.start_as_identity()

    def start_as_identity(self) -> None:
        """Makes it add nothing, so that the weights of a model without it can go on with it."""
        nn.init.zeros_(self.out.weight)

    def forward(self, state: Tensor, eps: Tensor) -> Tensor:
        """Returns what the state gains, (N, width, h, w), of a state and standard normal noise (N, latents, h, w)."""
        first, second = self.gates(state).chunk(2, 1)
        texture = self.mix(torch.tanh(F.softplus(first) * self.spread(eps)))
        gained: Tensor = self.out(torch.exp(0.5 * bound_logvar(second, *LOUDNESS)) * texture)
        return gained
