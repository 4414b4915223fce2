"""PSNR and SSIM with an explicit protocol, and the luma of published tables.

Published numbers differ in channels (RGB or luma), range of luma (16 to 235), border and rounding to 8 bits. Each is an
argument or a function here. Metrics that need a trained network are not here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.errors import ShapeError


def luma(image: Tensor) -> Tensor:
    """Returns BT.601 luma in studio range, (B, 1, H, W) in [16/255, 235/255], like MATLAB's ``rgb2ycbcr``.

    Args:
        image: RGB image (B, 3, H, W) in [0, 1].

    Raises:
        ShapeError: The image does not have three channels.
    """
    if image.ndim != 4 or image.shape[1] != 3:
        raise ShapeError(f"Luma needs RGB, (B, 3, H, W), got {tuple(image.shape)}.", value=tuple(image.shape))
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=image.dtype, device=image.device)
    return (image * weights[:, None, None]).sum(1, keepdim=True) / 255 + 16 / 255


def psnr_db(x_hat: Tensor, x: Tensor, *, border: int = 0, uint8: bool = False) -> Tensor:
    """Computes the peak signal-to-noise ratio of each image, 10 log10(1 / mean squared error).

    The mean is over all channels and pixels of an image, in float64. The peak is 1. Average decibels over images, not
    squared errors.

    Args:
        x_hat: Restored images (B, C, H, W) in [0, 1]. They are not clipped here.
        x: Clean images, of the same shape.
        border: Number of pixels left out on each side. In super-resolution this is usually the scale factor.
        uint8: Whether to clip and round both to 8 bits first.

    Returns:
        Decibels, float64 (B,). Infinite for equal images.

    Raises:
        ShapeError: The shapes differ, or nothing is left inside the border.
    """
    x_hat, x = _prepare(x_hat, x, border, uint8, smallest=1)
    return -10 * (x_hat - x).square().mean((1, 2, 3)).log10()


def ssim(x_hat: Tensor, x: Tensor, *, border: int = 0, uint8: bool = False) -> Tensor:
    """Computes the structural similarity of each image, averaged over channels.

    The Gaussian window has a side of 11 pixels and sigma 1.5, at the positions where it fits inside the image.
    Variances are population variances; K1 = 0.01, K2 = 0.03; in float64.

    Args:
        x_hat: Restored images (B, C, H, W) in [0, 1]. They are not clipped here.
        x: Clean images, of the same shape.
        border: Number of pixels left out on each side.
        uint8: Whether to clip and round both to 8 bits first.

    Returns:
        Similarity, float64 (B,). 1 for equal images.

    Raises:
        ShapeError: The shapes differ, or fewer than 11 pixels are left inside the border.

    Source: Image Quality Assessment: From Error Visibility to Structural Similarity (Wang et al., 2004).
    """
    x_hat, x = _prepare(x_hat, x, border, uint8, smallest=11)
    position = torch.arange(-5, 6, dtype=torch.float64, device=x.device)
    window = torch.exp(-(position**2) / (2 * 1.5**2))
    window = window / window.sum()

    def blur(image: Tensor) -> Tensor:
        planes = image.flatten(0, 1)[:, None]
        down = torch.nn.functional.conv2d(planes, window[None, None, :, None])
        across = torch.nn.functional.conv2d(down, window[None, None, None, :])
        return across[:, 0].unflatten(0, image.shape[:2])

    mean_hat, mean = blur(x_hat), blur(x)
    variance_hat = blur(x_hat**2) - mean_hat**2
    variance = blur(x**2) - mean**2
    covariance = blur(x_hat * x) - mean_hat * mean
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_hat * mean + c1) / (mean_hat**2 + mean**2 + c1)
    structure = (2 * covariance + c2) / (variance_hat + variance + c2)
    return (luminance * structure).mean((1, 2, 3))


def _prepare(x_hat: Tensor, x: Tensor, border: int, uint8: bool, smallest: int) -> tuple[Tensor, Tensor]:
    if x_hat.shape != x.shape or x.ndim != 4:
        raise ShapeError(
            f"Expected two images of one shape (B, C, H, W), got {tuple(x_hat.shape)} and {tuple(x.shape)}.",
            value=(tuple(x_hat.shape), tuple(x.shape)),
        )
    if border < 0 or min(x.shape[-2:]) - 2 * border < smallest:
        raise ShapeError(
            f"Expected at least {smallest} pixels inside a border of {border}, got {tuple(x.shape[-2:])}.",
            value=border,
        )
    inside = slice(border, -border or None)

    def prepare(image: Tensor) -> Tensor:
        image = image[..., inside, inside].double()
        return (image.clamp(0, 1) * 255).round() / 255 if uint8 else image

    return prepare(x_hat), prepare(x)
