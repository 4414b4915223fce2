"""Brightness and colour apart: full-range luma of BT.601, as JPEG has it, and what each channel has beside it.

The luma that super-resolution benchmarks compare, in studio range, is in `vaezoo.image.metrics`.
"""

from __future__ import annotations

import torch
from torch import Tensor

WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue. Source: JPEG File Interchange Format 1.02 (Hamilton, 1992)."""


def split_luma(values: Tensor) -> tuple[Tensor, Tensor]:
    """Returns luma (B, 1, H, W), and values less luma in each channel; of gray values, all of them and zeros.

    Args:
        values: (B, C, H, W) with C 1 or 3, any range.
    """
    if values.shape[1] == 1:
        return values, torch.zeros_like(values)
    weights = torch.tensor(WEIGHTS, dtype=values.dtype, device=values.device)
    luma = (values * weights[:, None, None]).sum(1, keepdim=True)
    return luma, values - luma
