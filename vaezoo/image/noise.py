"""How noisy a picture is, from the picture alone."""

from __future__ import annotations

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
