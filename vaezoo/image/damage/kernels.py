"""Blur kernels: making, reading and checking them, and their Fourier transform.

A kernel is (h, w), not negative, and sums to one. Its centre is the pixel (h // 2, w // 2).
`vaezoo.image.damage.degradations` blurs with a kernel, and the task ``deblur`` undoes it.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaezoo.errors import ConfigError, DataMissing, ImageError, ShapeError
from vaezoo.files.reading import read_regular
from vaezoo.image.file.files import read_picture
from vaezoo.image.file.folders import find_in_folders, named_folders

LARGEST = 2**26
"""Bytes of the largest file of a kernel that is read."""
BENCHMARK = "blur_kernels/kernels_levin09_and_12.npz"
"""The 8 kernels of Understanding and evaluating blind deconvolution algorithms (Levin et al., 2009) and 12 others, of
shaking hands and Gaussians: arrays (h, w), whose names give their order."""
BENCHMARK_SHA256 = "d24b0ad0a778a3f5b20ef080da0eba2669557c7b9f2d4ee4da92cef34113f373"
FINEST = 8
"""Number of points per pixel along the path of a motion kernel, and across a disc."""


def gaussian_kernel(sigma: float, across: float | None = None, angle: float = 0.0) -> Tensor:
    """Makes a Gaussian kernel, float32 (h, h) with h odd, cut off at four standard deviations.

    Args:
        sigma: Standard deviation along ``angle``, in pixels.
        across: Standard deviation at a right angle to it, in pixels. None means ``sigma``.
        angle: Direction of ``sigma``, in degrees, anticlockwise from the horizontal.

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
    """Makes the kernel of a defocused lens, a uniform disc, float32 (h, h) with h odd.

    Args:
        radius: Radius in pixels. 0 gives the identity.

    Raises:
        ConfigError: The radius is negative or not finite.
    """
    if not (math.isfinite(radius) and radius >= 0):
        raise ConfigError(f"Expected a radius of at least 0, in pixels, got {radius}.", value=radius)
    reach = math.ceil(radius)
    point = (torch.arange(FINEST * (2 * reach + 1), dtype=torch.float64) + 0.5) / FINEST - reach - 0.5
    inside = (torch.hypot(point, point[:, None]) <= max(radius, 1 / FINEST)).double()
    kernel = torch.nn.functional.avg_pool2d(inside[None], FINEST)[0]
    return (kernel / kernel.sum()).float()


def motion_kernel(length: float, angle: float) -> Tensor:
    """Makes the kernel of a camera that moved along a straight line at constant speed, float32 (h, h) with h odd.

    Args:
        length: Length of the path in pixels. 0 gives the identity.
        angle: Direction of the path, in degrees, anticlockwise from the horizontal.

    Raises:
        ConfigError: The length is negative, or a number is not finite.
    """
    if not (math.isfinite(length) and math.isfinite(angle) and length >= 0):
        raise ConfigError(f"Expected a length of at least 0 and an angle, got {length} and {angle}.", value=length)
    path = torch.linspace(-length / 2, length / 2, FINEST * math.ceil(length) + 1, dtype=torch.float64)
    return path_kernel(-path * math.sin(math.radians(angle)), path * math.cos(math.radians(angle)))


def path_kernel(down: Tensor, across: Tensor) -> Tensor:
    """Makes the kernel of a camera that moved along a path, float32 (h, h) with h odd.

    Args:
        down: Vertical positions at equally spaced times, (n,), in pixels from the kernel's centre.
        across: Horizontal positions, likewise, to the right.

    Raises:
        ConfigError: There are no positions, the two have different lengths, or a number is not finite.
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
        DataMissing: The file is in none of the folders, or has other content.
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
    """Converts a kernel, an array or nested lists, to float64 (h, w).

    Raises:
        ShapeError: The kernel is not numeric, not 2-d, empty, negative somewhere, not finite, or its sum differs from 1
            by more than 0.001.
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
    """Returns the discrete Fourier transform of a kernel centred on pixel (0, 0), complex (H, W // 2 + 1).

    Args:
        kernel: Kernel (h, w).
        size: (H, W) of the images that the transform is for.

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
    """Reads a kernel from a file: a numpy array (h, w) in ``.npy``, or an image, whose luma is the weight.

    The values of an image are divided by their sum. An array must already sum to one.

    Raises:
        ImageError: The file cannot be read, or an image is black.
        ShapeError: The array is not a valid kernel; see `as_kernel`.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        try:
            array = np.load(io.BytesIO(read_regular(path, LARGEST)), allow_pickle=False)
        except Exception as error:  # each kind of damaged file raises its own
            raise ImageError(f"The kernel {path} cannot be read: {error}.", value=str(path)) from error
        return as_kernel(array)
    values = read_picture(path).values().mean(2)
    if not values.sum() > 0:
        raise ImageError(f"The kernel {path} is black.", hint="Draw it bright on black.", value=str(path))
    return as_kernel(values / values.sum())
