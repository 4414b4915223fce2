"""Separates brightness and colour: full-range luma of BT.601, as in JPEG, and the rest of each channel.

`vaezoo.image.metrics` has the luma of super-resolution benchmarks, in studio range.
"""

from __future__ import annotations

import torch
from torch import Tensor

WEIGHTS = (0.299, 0.587, 0.114)
"""Weights of red, green and blue. Source: JPEG File Interchange Format 1.02 (Hamilton, 1992)."""


def split_luma(values: Tensor) -> tuple[Tensor, Tensor]:
    """Splits values into luma (B, 1, H, W) and values minus luma. Gray values are all luma, with a rest of zeros.

    Args:
        values: Images (B, C, H, W) with C 1 or 3, in any range.
    """
    if values.shape[1] == 1:
        return values, torch.zeros_like(values)
    weights = torch.tensor(WEIGHTS, dtype=values.dtype, device=values.device)
    luma = (values * weights[:, None, None]).sum(1, keepdim=True)
    return luma, values - luma
