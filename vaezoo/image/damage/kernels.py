"""Blur kernels: made, read and checked, and what they are to a Fourier transform.

A kernel is (h, w), not negative, and sums to one; its centre is the pixel (h // 2, w // 2). Blurring with one is in
`vaezoo.image.damage.degradations`, undoing it is the task ``deblur``.
"""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaezoo.errors import ConfigError, DataMissing, ImageError, ShapeError
from vaezoo.image.file.files import read_picture
from vaezoo.image.file.folders import find_in_folders, named_folders

BENCHMARK = "blur_kernels/kernels_levin09_and_12.npz"
"""The 8 kernels of Understanding and evaluating blind deconvolution algorithms (Levin et al., 2009) and 12 others, of
shaking hands too and of Gaussians: arrays (h, w) by name, in the order of their index."""
BENCHMARK_SHA256 = "d24b0ad0a778a3f5b20ef080da0eba2669557c7b9f2d4ee4da92cef34113f373"
FINEST = 8
"""Points to a pixel along the path of a motion kernel, and across a disc."""


def gaussian_kernel(sigma: float, across: float | None = None, angle: float = 0.0) -> Tensor:
    """Returns a Gaussian kernel, float32 (h, h) with h odd, cut off at four standard deviations.

    Args:
        sigma: Standard deviation, pixels.
        across: The same at a right angle to ``angle``; None for a round one.
        angle: Of ``sigma``, degrees, anticlockwise from the horizontal.

    Raises:
        ConfigError: A standard deviation is not positive, or a number is not finite.
    """
    across = sigma if across is None else across
    for value in (sigma, across):
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"Expected a standard deviation above 0, in pixels, got {value}.", value=value)
    if not math.isfinite(angle):
        raise ConfigError(f"Expected an angle in degrees, got {angle}.", value=angle)
    radius = math.ceil(4 * max(sigma, across))
    right = torch.arange(-radius, radius + 1, dtype=torch.float64)
    up = -right[:, None]
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    far = ((right * cosine + up * sine) / sigma) ** 2 + ((up * cosine - right * sine) / across) ** 2
    kernel = torch.exp(-far / 2)
    return (kernel / kernel.sum()).float()


def disc_kernel(radius: float) -> Tensor:
    """Returns the kernel of a lens out of focus, an even disc, float32 (h, h) with h odd.

    Args:
        radius: Pixels; 0 for a kernel that does nothing.

    Raises:
        ConfigError: It is negative or not finite.
    """
    if not (math.isfinite(radius) and radius >= 0):
        raise ConfigError(f"Expected a radius of at least 0, in pixels, got {radius}.", value=radius)
    reach = math.ceil(radius)
    point = (torch.arange(FINEST * (2 * reach + 1), dtype=torch.float64) + 0.5) / FINEST - reach - 0.5
    inside = (torch.hypot(point, point[:, None]) <= max(radius, 1 / FINEST)).double()
    kernel = torch.nn.functional.avg_pool2d(inside[None], FINEST)[0]
    return (kernel / kernel.sum()).float()


def motion_kernel(length: float, angle: float) -> Tensor:
    """Returns the kernel of a camera that moved straight on at one speed, float32 (h, h) with h odd.

    Args:
        length: Of the path, pixels; 0 for a kernel that does nothing.
        angle: Of the path, degrees, anticlockwise from the horizontal.

    Raises:
        ConfigError: The length is negative, or a number is not finite.
    """
    if not (math.isfinite(length) and math.isfinite(angle) and length >= 0):
        raise ConfigError(f"Expected a length of at least 0 and an angle, got {length} and {angle}.", value=length)
    path = torch.linspace(-length / 2, length / 2, FINEST * math.ceil(length) + 1, dtype=torch.float64)
    return path_kernel(-path * math.sin(math.radians(angle)), path * math.cos(math.radians(angle)))


def path_kernel(down: Tensor, across: Tensor) -> Tensor:
    """Returns the kernel of a camera that moved along a path, float32 (h, h) with h odd.

    Args:
        down: Where it was at moments equally far apart, (n,), pixels from the kernel's centre.
        across: The same to the right.

    Raises:
        ConfigError: There is no moment, as many of the one as of the other, or a number is not finite.
    """
    if down.ndim != 1 or down.shape != across.shape or not len(down):
        shapes = tuple(down.shape), tuple(across.shape)
        raise ConfigError(f"Expected two lists of positions of one length, got {shapes}.", value=shapes)
    far = torch.maximum(down.abs().max(), across.abs().max()).item()
    if not math.isfinite(far):
        raise ConfigError("Expected positions of finite numbers, got NaN or infinity.", value=far)
    radius = math.ceil(far)
    position = torch.arange(-radius, radius + 1, dtype=torch.float64)
    rows, columns = ((1 - (position[:, None] - line.double()).abs()).clamp(min=0) for line in (down, across))
    kernel = rows @ columns.T
    return (kernel / kernel.sum()).float()


def benchmark_kernels() -> list[Tensor]:
    """Reads the 20 kernels of the benchmark from a folder of ``$VAEZOO_DATA``, float32 (h, w) each.

    Raises:
        DataMissing: The file is in none of them, or has other content.
    """
    path = find_in_folders("VAEZOO_DATA", [BENCHMARK])
    if path is None:
        raise DataMissing(
            f"The blur kernels {BENCHMARK} are in none of the folders of $VAEZOO_DATA: {named_folders('VAEZOO_DATA')}.",
            value=BENCHMARK,
        )
    with np.load(path, allow_pickle=False) as file:
        kernels = [file[name] for name in file.files]
    sha256 = hashlib.sha256(b"".join(kernel.tobytes() for kernel in kernels)).hexdigest()
    if sha256 != BENCHMARK_SHA256:
        raise DataMissing(
            f"{path} has other kernels than the benchmark: sha256 {sha256} of their values, not {BENCHMARK_SHA256}.",
            value=str(path),
        )
    return [torch.from_numpy(kernel) for kernel in kernels]


def as_kernel(kernel: Any) -> Tensor:
    """Returns a kernel, an array or nested lists, as float64 (h, w).

    Raises:
        ShapeError: It is not of numbers, not 2-d, empty, negative somewhere, not finite, or sums to other than 1 by
            more than 0.001.
    """
    try:
        values = torch.as_tensor(kernel, dtype=torch.float64).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ShapeError(f"Expected a kernel (h, w) of numbers, got {kernel!r:.80}.", value=kernel) from error
    if values.ndim != 2 or not values.numel():
        raise ShapeError(f"Expected a kernel of shape (h, w), got {tuple(values.shape)}.", value=tuple(values.shape))
    if not bool(torch.isfinite(values).all()):
        raise ShapeError("Expected a kernel of finite numbers, got NaN or infinity in it.", value=kernel)
    if (least := values.min().item()) < 0:
        raise ShapeError(f"Expected a kernel without negative values, got {least:g}.", value=least)
    if abs((total := values.sum().item()) - 1) > 1e-3:
        raise ShapeError(f"Expected a kernel that sums to 1, got {total:g}.", hint="Divide it by that.", value=total)
    return values / total


def spectrum(kernel: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns the discrete Fourier transform of a kernel around pixel (0, 0), complex (H, W // 2 + 1).

    Args:
        kernel: (h, w).
        size: H and W, of the images that it is to be multiplied with.

    Raises:
        ShapeError: The kernel is larger than the image.
    """
    height, width = kernel.shape
    if height > size[0] or width > size[1]:
        raise ShapeError(
            f"Expected a kernel no larger than the image of {tuple(size)}, got {(height, width)}.",
            value=(height, width),
        )
    whole = torch.zeros(size, dtype=kernel.dtype)
    whole[:height, :width] = kernel
    return torch.fft.rfft2(whole.roll((-(height // 2), -(width // 2)), (0, 1)))


def read_kernel(path: str | os.PathLike[str]) -> Tensor:
    """Reads a kernel from a file: an array (h, w) as numpy saves one, ``.npy``, or a picture, whose luma is its weight.

    A picture's values are divided by their sum; an array has to sum to one as it is.

    Raises:
        ImageError: The file cannot be read, or a picture is black.
        ShapeError: The array is no kernel; see `as_kernel`.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        try:
            array = np.load(path, allow_pickle=False)
        except Exception as error:  # each kind of damage raises its own
            raise ImageError(f"The kernel {path} cannot be read: {error}.", value=str(path)) from error
        return as_kernel(array)
    values = read_picture(path).values().mean(2)
    if not values.sum() > 0:
        raise ImageError(f"The kernel {path} is black.", hint="Draw it bright on black.", value=str(path))
    return as_kernel(values / values.sum())
