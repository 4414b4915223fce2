"""Known damage to clean images, seeded so that everyone measures on the same pixels.

Not here: what training draws at random, which is in `vaezoo.train`.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from torch import Tensor

from vaezoo.errors import ImageError, ShapeError
from vaezoo.image.convert import from_tensor, to_tensor
from vaezoo.image.picture import Picture


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


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Returns an image after a trip through a JPEG file: libjpeg's tables, chroma halved both ways (4:2:0).

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
    decoded = np.asarray(Image.open(file))
    return to_tensor(Picture(decoded.reshape(pixels.shape))).to(x.device)
