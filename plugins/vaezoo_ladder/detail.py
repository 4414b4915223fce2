"""A branch that adds texture to samples, but not to the mean path. Another plugin has the loss that trains it."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import bound_logvar

LOUDNESS = (-12.0, 4.0)
"""Soft bounds of s: texture from 0.0025 to 7.4 times as strong."""


def plain3(inputs: int, outputs: int) -> nn.Conv2d:
    """Makes a 3×3 convolution that repeats the edge and has no bias, so that it is zero where its input is."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate", bias=False)


@final
class DetailBranch(nn.Module):
    """D(h, ε) = out(g₂(h) · mix(tanh(g₁(h) · spread(ε)))): the texture for noise ε, given the state h.

    The gates depend on the state, so texture can be strong in some places and absent in others. g₂ = exp ½s, with s
    linear in the state and bounded like the decoder's log σ². Nothing else has a bias, and tanh is odd. So D(h, 0) = 0
    exactly, and D(h, −ε) = −D(h, ε): the mean of two samples with opposite noise is the mean path.

    Args:
        width: Number of channels of the state.
        latents: Number of channels of ε.
        channels: Number of channels of the texture.
    """

    def __init__(self, width: int, latents: int, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(width, 2 * channels, 3, padding=1, padding_mode="replicate")
        self.spread, self.mix = plain3(latents, channels), plain3(channels, channels)
        self.out = plain3(channels, width)
        self.start_as_identity()

    def start_as_identity(self) -> None:
        """Makes it add nothing, so that weights of a model without it can be trained further with it."""
        nn.init.zeros_(self.out.weight)

    def forward(self, state: Tensor, eps: Tensor) -> Tensor:
        """Returns what is added to the state, (N, width, h, w), for standard normal noise (N, latents, h, w)."""
        first, second = self.gates(state).chunk(2, 1)
        texture = self.mix(torch.tanh(F.softplus(first) * self.spread(eps)))
        gained: Tensor = self.out(torch.exp(0.5 * bound_logvar(second, *LOUDNESS)) * texture)
        return gained
