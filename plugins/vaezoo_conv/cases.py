"""Conditions for the contract kit."""

from __future__ import annotations

import torch
from torch import Tensor


def labels(images: int) -> dict[str, Tensor]:
    """Returns a class label for each image."""
    return {"label": torch.arange(images) % 10}
