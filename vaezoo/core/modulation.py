"""Layers that change features by the context's vector: FiLM and AdaIN. Networks of all plugins use them.

A part's setting ``modulate`` chooses one. With ``none`` the part concatenates the vector, or adds it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core.facts import check_modulate


def _affine(vector: int, channels: int) -> nn.Linear:
    """Makes a layer that gives 2·channels zeros for every vector until it is trained."""
    layer = nn.Linear(vector, 2 * channels)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _scaled(features: Tensor, told: Tensor) -> Tensor:
    scale, shift = told.view(*told.shape, *[1] * (features.dim() - 2)).chunk(2, 1)
    return features * (1 + scale) + shift


@final
class FiLM(nn.Module):
    """(1 + γ(v))·h + β(v) per channel; the identity before training.

    It needs no statistics of h, so tiles equal wholes.

    Args:
        vector: Dimensions of the vector v.
        channels: Number of channels of the features h.

    Source: FiLM: Visual Reasoning with a General Conditioning Layer (Perez et al., 2018), arXiv:1709.07871.
    """

    def __init__(self, vector: int, channels: int) -> None:
        super().__init__()
        self.tell = _affine(vector, channels)

    def forward(self, features: Tensor, vector: Tensor) -> Tensor:
        """Returns features (N, C, ...) changed by a vector (N, V)."""
        return _scaled(features, self.tell(vector))


@final
class AdaIN(nn.Module):
    """(1 + γ(v))·(h − mean h)/std h + β(v) per channel, with mean and std over the pixels of each image.

    For features (N, C) they are over channels. A tile has other statistics than the whole image, so tiles differ from
    it. On a grid of one cell, only the style remains.

    Args:
        vector: Dimensions of the vector v.
        channels: Number of channels of the features h.

    Source: Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization (Huang and Belongie, 2017),
    arXiv:1703.06868.
    """

    def __init__(self, vector: int, channels: int) -> None:
        super().__init__()
        self.tell = _affine(vector, channels)

    def forward(self, features: Tensor, vector: Tensor) -> Tensor:
        """Returns features (N, C, ...) changed by a vector (N, V)."""
        over = tuple(range(2, features.dim())) or (1,)
        variance, mean = torch.var_mean(features.float(), over, correction=0, keepdim=True)
        normal = (features.float() - mean) * torch.rsqrt(variance + 1e-5)
        return _scaled(normal.to(features.dtype), self.tell(vector))


def modulations(modulate: str, vector: int, widths: Sequence[int]) -> nn.ModuleList:
    """Makes a modulation layer for each block of a network; an empty list for ``none``.

    Args:
        modulate: ``none``, ``film`` or ``adain``.
        vector: Dimensions of the context's vector.
        widths: Number of output channels of each block.

    Raises:
        ConfigError: ``modulate`` is unknown, or the vector has no dimensions.
    """
    check_modulate(modulate, vector)
    if modulate == "none":
        return nn.ModuleList()
    kind = {"film": FiLM, "adain": AdaIN}[modulate]
    return nn.ModuleList(kind(vector, width) for width in widths)


def modulated(layers: nn.ModuleList, block: int, features: Tensor, vector: Tensor | None) -> Tensor:
    """Returns a block's output, changed by its layer of :func:`modulations` if there are a layer and a vector."""
    if vector is None or not len(layers):
        return features
    changed: Tensor = layers[block](features, vector)
    return changed
