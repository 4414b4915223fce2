"""Layers by which a context's vector changes features: FiLM and AdaIN, for the networks of every plugin.

How a part reads the vector is its setting ``modulate``; ``none`` leaves it to the part, which then concatenates it or
adds it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core.facts import check_modulate


def _affine(vector: int, channels: int) -> nn.Linear:
    """Returns a layer that gives 2·channels zeros for every vector, until it is trained."""
    layer = nn.Linear(vector, 2 * channels)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _scaled(features: Tensor, told: Tensor) -> Tensor:
    scale, shift = told.view(*told.shape, *[1] * (features.dim() - 2)).chunk(2, 1)
    return features * (1 + scale) + shift


@final
class FiLM(nn.Module):
    """(1 + γ(v))·h + β(v) per channel; the identity before training. It reads no statistic, so tiles equal wholes.

    Args:
        vector: Dimensions of v.
        channels: Of h.

    Source: FiLM: Visual Reasoning with a General Conditioning Layer (Perez et al., 2018), arXiv:1709.07871.
    """

    def __init__(self, vector: int, channels: int) -> None:
        super().__init__()
        self.tell = _affine(vector, channels)

    def forward(self, features: Tensor, vector: Tensor) -> Tensor:
        """Returns features (N, C, ...) as vector (N, V) changes them."""
        return _scaled(features, self.tell(vector))


@final
class AdaIN(nn.Module):
    """(1 + γ(v))·(h − mean h)/std h + β(v), the statistics over each image's own pixels, per channel.

    Of features (N, C) they are over the channels instead. A tile has other statistics than the whole picture, so tiles
    differ from it, and of a grid of one cell nothing is left but the style.

    Args:
        vector: Dimensions of v.
        channels: Of h.

    Source: Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization (Huang and Belongie, 2017),
    arXiv:1703.06868.
    """

    def __init__(self, vector: int, channels: int) -> None:
        super().__init__()
        self.tell = _affine(vector, channels)

    def forward(self, features: Tensor, vector: Tensor) -> Tensor:
        """Returns features (N, C, ...) as vector (N, V) changes them."""
        over = tuple(range(2, features.dim())) or (1,)
        variance, mean = torch.var_mean(features.float(), over, correction=0, keepdim=True)
        normal = (features.float() - mean) * torch.rsqrt(variance + 1e-5)
        return _scaled(normal.to(features.dtype), self.tell(vector))


def modulations(modulate: str, vector: int, widths: Sequence[int]) -> nn.ModuleList:
    """Returns a layer for each block of a network, none where it does not modulate.

    Args:
        modulate: ``none``, ``film`` or ``adain``.
        vector: Dimensions of the context's vector.
        widths: Channels that each block gives.

    Raises:
        ConfigError: There is no such kind, or no vector to read.
    """
    check_modulate(modulate, vector)
    if modulate == "none":
        return nn.ModuleList()
    kind = {"film": FiLM, "adain": AdaIN}[modulate]
    return nn.ModuleList(kind(vector, width) for width in widths)


def modulated(layers: nn.ModuleList, block: int, features: Tensor, vector: Tensor | None) -> Tensor:
    """Returns what a block gave, changed by its layer of :func:`modulations`, where there are one and a vector."""
    if vector is None or not len(layers):
        return features
    changed: Tensor = layers[block](features, vector)
    return changed
