"""Conditions for the contract kit."""

from __future__ import annotations

import torch
from torch import Tensor


def classes(images: int) -> dict[str, Tensor]:
    """Returns a style class for each image."""
    return {"style_class": torch.arange(images) % 8}


def codes(images: int) -> dict[str, Tensor]:
    """Returns a style code for each image."""
    return {"style_code": torch.rand(images, 5, generator=torch.Generator().manual_seed(3)) * 2 - 1}


def references(images: int) -> dict[str, Tensor]:
    """Returns a reference image of three channels for each image."""
    return {"style_reference": torch.rand(images, 3, 28, 28, generator=torch.Generator().manual_seed(3))}
