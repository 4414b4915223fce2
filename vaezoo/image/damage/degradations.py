"""Damages of clean images for measurements. They are seeded, so that everyone measures on the same pixels.

`vaezoo.train` has the random damages of training.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaezoo.errors import ConfigError, ImageError, ShapeError
from vaezoo.image.damage.kernels import as_kernel, spectrum
from vaezoo.image.damage.light import from_linear, to_linear
from vaezoo.image.damage.noise import camera_noise
from vaezoo.image.file.convert import from_tensor, to_tensor
from vaezoo.image.file.picture import Picture

ELECTRONS, READ = 4000.0, 3.0
"""Defaults of `low_light`, in electrons: count of a white pixel, and standard deviation of read noise."""


def gaussian_noise(x: Tensor, sigma: float, seed: int) -> Tensor:
    """Adds white Gaussian noise, not clipped, as denoising benchmarks do.

    The noise is ``numpy.random.RandomState(seed).randn(*x.shape)`` as float32, the same on every machine. Its
    values depend on the order of the axes, so a published number holds for one shape of ``x``.

    Args:
        x: Image of any shape, in [0, 1].
        sigma: Standard deviation in grey levels: units of 1/255, whatever the bit depth.
        seed: Random seed of the noise. Benchmarks use the index of the image in its set.
    """
    noise = np.random.RandomState(seed).randn(*x.shape).astype(np.float32)
    return x + torch.from_numpy(noise).to(x.device) * (sigma / 255)


def camera_file(x: Tensor, sigma: float, seed: int, light: float = 0.5) -> Tensor:
    """Adds noise like that of a camera's 8-bit file: `camera_noise` with the random numbers of `gaussian_noise`.

    Args:
        x: Image of any shape, in [0, 1].
        sigma: Standard deviation at half of full white, in grey levels.
        seed: Random seed of the noise.
        light: Share of the variance that grows with the light.
    """
    noise = torch.from_numpy(np.random.RandomState(seed).randn(*x.shape).astype(np.float32)).to(x.device)
    return camera_noise(x, noise, sigma / 255, light)


def low_light(x: Tensor, light: float, seed: int) -> Tensor:
    """Simulates a camera's file of a scene with too little light; see `darken`.

    The random numbers are those of `gaussian_noise`.

    Args:
        x: Image of any shape, in [0, 1].
        light: Share of the light, above 0 and at most 1.
        seed: Random seed of the noise. Benchmarks use the index of the image in its set.

    Raises:
        ConfigError: The share is out of range.
    """
    if not 0 < light <= 1:
        raise ConfigError(f"Expected a share of the light above 0 and at most 1, got {light}.", value=light)
    noise = np.random.RandomState(seed).randn(*x.shape).astype(np.float32)
    return darken(x, light, torch.from_numpy(noise).to(x))


def darken(x: Tensor, light: float, noise: Tensor, *, electrons: float = ELECTRONS, read: float = READ) -> Tensor:
    """Darkens an image and adds a camera's noise, which is then larger relative to the signal.

    In linear light of sRGB, l = light · x gets noise of the variance l/electrons + (read/electrons)², from counting
    photons and from reading them out. Converted back to sRGB, it is clipped to [0, 1] and rounded to 8 bits.

    Args:
        x: Image of any shape, in [0, 1].
        light: Share of the light that is left.
        noise: Standard normal noise, of the shape of x.
        electrons: Number of electrons that a white pixel counts.
        read: Standard deviation of read noise, in electrons.

    Source: Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data (Foi et al., 2008),
    section II, with a Gaussian for the Poisson part.
    """
    left = light * to_linear(x)
    deviation = (left / electrons + (read / electrons) ** 2).sqrt()
    return from_linear(torch.addcmul(left, deviation, noise)).clamp_(0, 1).mul_(255).round_().div_(255)


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Compresses an image and decodes it again; see `jpeg_file` for arguments and errors."""
    from PIL import Image

    decoded = np.asarray(Image.open(io.BytesIO(jpeg_file(x, quality))))
    return to_tensor(Picture(decoded.reshape(*decoded.shape[:2], -1))).to(x.device)


def jpeg_file(x: Tensor, quality: int) -> bytes:
    """Encodes an image as a JPEG file, with libjpeg's tables and chroma subsampling 4:2:0.

    Args:
        x: Image (1, C, H, W) in [0, 1] with C 1 or 3. It is rounded to 8 bits first.
        quality: Quality, 1 to 100.

    Raises:
        ShapeError: ``x`` is not such an image.
        ImageError: ``quality`` is out of range.
    """
    from PIL import Image

    if x.ndim != 4 or x.shape[0] != 1 or x.shape[1] not in (1, 3):
        raise ShapeError(f"Expected (1, C, H, W) with C 1 or 3, got {tuple(x.shape)}.", value=tuple(x.shape))
    if not 1 <= quality <= 100:
        raise ImageError(f"Quality is 1 to 100, not {quality}.", value=quality)
    _, channels, height, width = x.shape
    pixels = from_tensor(x, like=Picture(np.zeros((height, width, channels), np.uint8))).pixels
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(
        file, "JPEG", quality=quality, subsampling="4:2:0"
    )
    return file.getvalue()


def blur(x: Tensor, kernel: Any, boundary: str = "circular") -> Tensor:
    """Convolves images with a kernel, exactly and without noise.

    Args:
        x: Images (B, C, H, W), in any range.
        kernel: Kernel (h, w), not negative, with sum 1; see `vaezoo.image.damage.kernels`.
        boundary: Values beyond the edge. ``"circular"``: the opposite side, as in deblurring benchmarks. ``"reflect"``:
            a mirror image. ``"replicate"``: the edge repeated. ``"valid"``: none, so that H and W shrink by h − 1 and w
            − 1, as when a scene continues beyond the image.

    Raises:
        ShapeError: ``x`` is not such an image or is not finite, or the kernel is invalid or larger than the image.
        ConfigError: The boundary is unknown.
    """
    if boundary not in ("circular", "reflect", "replicate", "valid"):
        raise ConfigError(f"A boundary is circular, reflect, replicate or valid, not {boundary!r}.", value=boundary)
    if x.ndim != 4 or not x.is_floating_point():
        raise ShapeError(f"Expected floats (B, C, H, W), got {x.dtype} {tuple(x.shape)}.", value=tuple(x.shape))
    if not bool(torch.isfinite(x).all()):
        raise ShapeError("Expected an image of finite numbers, got NaN or infinity in it.", value=x)
    kernel = as_kernel(kernel)
    (height, width), (h, w) = x.shape[-2:], kernel.shape
    spectrum(kernel, (height, width))  # raises for a kernel that is larger than the image
    top, left = (h - 1) - h // 2, (w - 1) - w // 2  # pixels above and to the left that contribute to a pixel
    whole = x.double()
    if boundary in ("reflect", "replicate"):
        whole = torch.nn.functional.pad(whole, (left, w // 2, top, h // 2), mode=boundary)
    size = (whole.shape[-2], whole.shape[-1])
    blurred = torch.fft.irfft2(torch.fft.rfft2(whole) * spectrum(kernel, size).to(x.device), s=size)
    if boundary != "circular":
        blurred = blurred[..., top : size[0] - h // 2, left : size[1] - w // 2]
    return blurred.to(x.dtype)
