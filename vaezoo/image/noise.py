"""How noisy a picture is, from the picture alone."""

from __future__ import annotations

import torch
from torch import Tensor


def noise_level(y: Tensor) -> float:
    """Estimates the standard deviation of white noise from the finest diagonal details of a picture.

    Texture counts as noise, so clean pictures get more than 0; noise that JPEG has smoothed counts less.

    Args:
        y: (1, C, H, W), of at least 2×2 pixels; smaller ones give 0.

    Returns:
        In units of the pixel value: the median over channels.

    Source: Ideal spatial adaptation by wavelet shrinkage (Donoho and Johnstone, 1994), with the Haar wavelet.
    """
    height, width = (side - side % 2 for side in y.shape[-2:])
    if min(height, width) < 2:
        return 0.0
    a, b, c, d = (y[..., i:height:2, j:width:2] for i in (0, 1) for j in (0, 1))
    details = ((a - b - c + d) / 2).abs().flatten(2)
    return details.median(2).values.median().item() / 0.6745  # the median of |N(0, 1)|


def camera_noise(x: Tensor, noise: Tensor, sigma: float, light: float) -> Tensor:
    """Adds noise as a camera's file has it: growing with the light, clipped to [0, 1], and rounded to 8 bits.

    Its variance is σ² ((1 − s) + 2s·x), so σ² at half of full white.

    Args:
        x: Clean, any shape, in [0, 1].
        noise: Standard normal, of its shape.
        sigma: σ, in units of the pixel value.
        light: s in [0, 1], the share of the variance that grows with the light.

    Source: Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data (Foi et al., 2008),
    section II, with a Gaussian for the Poisson part.
    """
    deviation = sigma * ((1 - light) + 2 * light * x).sqrt()
    return torch.addcmul(x, deviation, noise).clamp_(0, 1).mul_(255).round_().div_(255)
