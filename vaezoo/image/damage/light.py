"""Conversion of sRGB values to linear light and back."""

from __future__ import annotations

import torch
from torch import Tensor


def to_linear(image: Tensor) -> Tensor:
    """Converts sRGB values to linear light, proportional to photons: any shape, [0, 1] to [0, 1].

    Values below 0 continue the straight piece, and values above 1 the power.

    Source: IEC 61966-2-1 (1999).
    """
    power = ((image.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(image <= 0.04045, image / 12.92, power)


def from_linear(light: Tensor) -> Tensor:
    """Converts linear light to sRGB values: the inverse of :func:`to_linear`."""
    power = 1.055 * light.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, 12.92 * light, power)
