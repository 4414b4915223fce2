"""Shapes: repeating rows for K samples, padding, and checks of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.errors import ConfigError, ShapeError


def repeat_rows(tensor: Tensor, k: int) -> Tensor:
    """Repeats rows (B, ...) to (K·B, ...), with the sample index slow."""
    return tensor if k == 1 else tensor.repeat(k, *[1] * (tensor.dim() - 1))


def sum_rows(tensor: Tensor) -> Tensor:
    """Sums over all dimensions but the first, in fp32: (N, ...) to (N,)."""
    return tensor.float().flatten(1).sum(1)


def pad_to_stride(image: Tensor, stride: int, *, mirror: bool = False) -> Tensor:
    """Pads an image at the right and the bottom to a multiple of ``stride``.

    Args:
        image: Image (B, C, H, W).
        stride: Number that both sides become a multiple of.
        mirror: Whether to pad by the mirror image instead of repeating the edge. Streaks of a noisy edge look like
            structure: seven pixels of them cost a denoiser up to 4 dB over the last hundred pixels.
    """
    height, width = image.shape[-2:]
    down, right = -height % stride, -width % stride
    while mirror and (down or right):
        step = min(down, image.shape[-2] - 1), min(right, image.shape[-1] - 1)
        if step == (0, 0):
            break  # one pixel has no mirror image but itself
        image = F.pad(image, (0, step[1], 0, step[0]), mode="reflect")
        down, right = down - step[0], right - step[1]
    return F.pad(image, (0, right, 0, down), mode="replicate") if down or right else image


def check_shape(image: object, channels: int, size: Sequence[int] | None = None, *, what: str = "image") -> Tensor:
    """Returns the image if a model can take its shape. Reads no pixels. The arguments are those of :func:`check_image`.

    Raises:
        ShapeError: The image is not a tensor (B, C, H, W), has no pixels, or does not have the required size.
    """
    if not isinstance(image, Tensor):
        raise ShapeError(f"Expected {what} as a torch tensor (B, C, H, W), got {type(image).__name__}.", value=image)
    shape = tuple(image.shape)
    if image.dim() != 4 or shape[1] != channels:
        raise ShapeError(
            f"Expected {what} of shape (B, {channels}, H, W), got {shape}.",
            hint="Add the batch dimension with image[None]." if image.dim() == 3 else None,
            value=shape,
        )
    if 0 in shape:
        raise ShapeError(f"Expected {what} with at least one pixel, got shape {shape}.", value=shape)
    if size is not None and shape[2:] != tuple(size):
        raise ShapeError(
            f"Expected {what} of {size[0]}×{size[1]} pixels, the one size this dense network takes, got "
            f"{shape[2]}×{shape[3]}.",
            hint="Resize it, or choose a convolutional model.",
            value=shape,
        )
    return image


def check_image(image: object, channels: int, size: Sequence[int] | None = None, *, what: str = "image") -> Tensor:
    """Returns the image if a model can take it.

    Args:
        image: Image (B, C, H, W), floating point, finite, and in [0, 1] up to noise.
        channels: Required number of channels C.
        size: Required (H, W), or None for any.
        what: Name of the image in the error message.

    Raises:
        ShapeError: The image is anything else. The message says what is wrong.
    """
    image = check_shape(image, channels, size, what=what)
    if not image.is_floating_point():
        raise ShapeError(
            f"Expected {what} as floating point in [0, 1], got {image.dtype}.",
            hint="Divide bytes by 255: image.float() / 255.",
            value=image.dtype,
        )
    low, high = (float(v) for v in torch.aminmax(image.detach().float()))
    if not (low > float("-inf") and high < float("inf")):
        raise ShapeError(f"Expected {what} with finite pixels, got NaN or infinity.", value=(low, high))
    if low < -4 or high > 5:
        raise ShapeError(
            f"Expected {what} in [0, 1] (noise may exceed it a little), got [{low:.3g}, {high:.3g}].",
            hint="Divide 8-bit values by 255, 16-bit ones by 65535.",
            value=(low, high),
        )
    return image


def check_dtype(image: Tensor, own: torch.dtype, what: str = "image") -> Tensor:
    """Returns an image if its dtype is that of the model's parameters.

    Raises:
        ShapeError: The dtypes differ.
    """
    if image.dtype != own:
        message = f"Expected {what} as {own}, as the model's parameters are, got {image.dtype}."
        raise ShapeError(message, hint=f"Convert it: image.to({own}).", value=image.dtype)
    return image


def count_of(number: Any, name: str, least: int = 0) -> int:
    """Returns a whole number, which may be one of numpy, as a Python int.

    Raises:
        ConfigError: The value is not a whole number, or is below ``least``.
    """
    try:
        found = -1 if isinstance(number, bool) else index(number)
    except TypeError:
        found = -1
    if found < least:
        raise ConfigError(f"Expected a whole number {name} of at least {least}, got {number!r}.", value=number)
    return found


def one_row(cond: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """Returns conditions with one row of zeros each, for calls that do not read them."""
    return {name: values.new_zeros((1, *values.shape[1:])) for name, values in (cond or {}).items()}
