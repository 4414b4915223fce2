"""Known damage to clean images, seeded so that everyone measures on the same pixels.

Not here: what training draws at random, which is in `vaezoo.train`.
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
"""Of `low_light`: what a white pixel counts, and the standard deviation of reading it, both in electrons."""


def gaussian_noise(x: Tensor, sigma: float, seed: int) -> Tensor:
    """Adds white Gaussian noise, not clipped, as the denoising benchmarks do.

    The noise is ``numpy.random.RandomState(seed).randn(*x.shape)`` as float32, the same on every machine. Its
    values depend on the order of the axes, so a published number holds for one shape of ``x``.

    Args:
        x: Any shape, in [0, 1].
        sigma: Standard deviation in grey levels: units of 1/255, whatever the bit depth.
        seed: Of the noise; benchmarks use the index of the image in its set.
    """
    noise = np.random.RandomState(seed).randn(*x.shape).astype(np.float32)
    return x + torch.from_numpy(noise).to(x.device) * (sigma / 255)


def camera_file(x: Tensor, sigma: float, seed: int, light: float = 0.5) -> Tensor:
    """Adds noise as a camera's 8-bit file has it, by `camera_noise` and the numbers of `gaussian_noise`.

    Args:
        x: Any shape, in [0, 1].
        sigma: Standard deviation at half of full white, in grey levels.
        seed: Of the noise.
        light: Share of its variance that grows with the light.
    """
    noise = torch.from_numpy(np.random.RandomState(seed).randn(*x.shape).astype(np.float32)).to(x.device)
    return camera_noise(x, noise, sigma / 255, light)


def low_light(x: Tensor, light: float, seed: int) -> Tensor:
    """Returns what a camera's file would hold of a picture taken with too little light; see `darken`.

    The noise is that of `gaussian_noise`.

    Args:
        x: Any shape, in [0, 1].
        light: Share of the light, above 0 and at most 1.
        seed: Of the noise; benchmarks use the index of the image in its set.

    Raises:
        ConfigError: The share is another.
    """
    if not 0 < light <= 1:
        raise ConfigError(f"Expected a share of the light above 0 and at most 1, got {light}.", value=light)
    noise = np.random.RandomState(seed).randn(*x.shape).astype(np.float32)
    return darken(x, light, torch.from_numpy(noise).to(x))


def darken(x: Tensor, light: float, noise: Tensor, *, electrons: float = ELECTRONS, read: float = READ) -> Tensor:
    """Takes light from a picture and adds a camera's noise, which is then larger beside what is left.

    In linear light of sRGB, l = light · x has noise of the variance l/electrons + (read/electrons)², that of counting
    photons and that of reading them out. Back in sRGB it is clipped to [0, 1] and rounded to 8 bits.

    Args:
        x: Any shape, in [0, 1].
        light: Share of the light that is left.
        noise: Standard normal, of x's shape.
        electrons: That a white pixel counts.
        read: Standard deviation of reading out, in electrons.

    Source: Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data (Foi et al., 2008),
    section II, with a Gaussian for the Poisson part.
    """
    left = light * to_linear(x)
    deviation = (left / electrons + (read / electrons) ** 2).sqrt()
    return from_linear(torch.addcmul(left, deviation, noise)).clamp_(0, 1).mul_(255).round_().div_(255)


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Returns an image after a trip through the JPEG file that `jpeg_file` makes; arguments and errors are the same."""
    from PIL import Image

    decoded = np.asarray(Image.open(io.BytesIO(jpeg_file(x, quality))))
    return to_tensor(Picture(decoded.reshape(*decoded.shape[:2], -1))).to(x.device)


def jpeg_file(x: Tensor, quality: int) -> bytes:
    """Returns an image as a JPEG file: libjpeg's tables, chroma halved both ways (4:2:0).

    Args:
        x: (1, C, H, W) in [0, 1] with C 1 or 3; rounded to 8 bits first.
        quality: 1 to 100.

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
        x: (B, C, H, W), any range.
        kernel: (h, w), not negative, of sum 1; see `vaezoo.image.damage.kernels`.
        boundary: What lies beyond the edge: ``"circular"`` the other side, as deblurring benchmarks have it,
            ``"reflect"`` a mirror image, ``"replicate"`` the edge again; ``"valid"``: nothing, so that H and W
            shrink by h − 1 and w − 1, as a camera sees a scene that goes on.

    Raises:
        ShapeError: ``x`` is not such images or not finite, or the kernel is none or larger than they are.
        ConfigError: There is no such boundary.
    """
    if boundary not in ("circular", "reflect", "replicate", "valid"):
        raise ConfigError(f"A boundary is circular, reflect, replicate or valid, not {boundary!r}.", value=boundary)
    if x.ndim != 4 or not x.is_floating_point():
        raise ShapeError(f"Expected floats (B, C, H, W), got {x.dtype} {tuple(x.shape)}.", value=tuple(x.shape))
    if not bool(torch.isfinite(x).all()):
        raise ShapeError("Expected an image of finite numbers, got NaN or infinity in it.", value=x)
    kernel = as_kernel(kernel)
    (height, width), (h, w) = x.shape[-2:], kernel.shape
    spectrum(kernel, (height, width))  # refuses a kernel that is larger than the image
    top, left = (h - 1) - h // 2, (w - 1) - w // 2  # what a pixel draws from above it, and from its left
    whole = x.double()
    if boundary in ("reflect", "replicate"):
        whole = torch.nn.functional.pad(whole, (left, w // 2, top, h // 2), mode=boundary)
    size = (whole.shape[-2], whole.shape[-1])
    blurred = torch.fft.irfft2(torch.fft.rfft2(whole) * spectrum(kernel, size).to(x.device), s=size)
    if boundary != "circular":
        blurred = blurred[..., top : size[0] - h // 2, left : size[1] - w // 2]
    return blurred.to(x.dtype)
