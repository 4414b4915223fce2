"""Conversion of pictures, PIL images, arrays and tensors to one float tensor, and back.

Values are the stored ones divided by the largest (255 or 65535). Gamma and colour profile are not converted.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaezoo.errors import ImageError, ShapeError
from vaezoo.image.file.files import read_picture
from vaezoo.image.file.picture import Picture
from vaezoo.image.resize import resize

if TYPE_CHECKING:
    import PIL.Image

_PIL_MODES = {"1": "L", "L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "I;16": "I;16"}


def to_tensor(picture: Picture) -> Tensor:
    """Converts a picture's pixels, without alpha, to float32 (1, C, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture.values().transpose(2, 0, 1)))[None]


def from_tensor(image: Tensor, like: Picture) -> Picture:
    """Returns the picture ``like`` with other pixels. Depth, alpha, profile and metadata stay.

    Args:
        image: Image (1, C, H, W) in [0, 1]. Values are clipped and rounded to the nearest level. If its size differs
            from that of ``like``, alpha is resized to it.
        like: Picture that everything else is taken from.

    Raises:
        ShapeError: ``image`` has another number of channels than ``like``.
    """
    channels = like.pixels.shape[2]
    if image.ndim != 4 or image.shape[:2] != (1, channels):
        raise ShapeError(
            f"Expected a tensor of shape (1, {channels}, H, W) as the picture has, got {tuple(image.shape)}.",
            value=tuple(image.shape),
        )
    pixels = _to_levels(image, like.pixels.dtype)
    alpha = like.alpha
    if alpha is not None and alpha.shape != pixels.shape[:2]:
        alpha = _resized(alpha, pixels.shape[:2])
    return replace(like, pixels=pixels, alpha=alpha)


def _to_levels(image: Tensor, dtype: Any) -> np.ndarray:
    """Converts (1, C, H, W) in [0, 1] to whole levels (H, W, C)."""
    levels = image[0].detach().cpu().float().clamp(0, 1).mul_(np.iinfo(dtype).max).round_()
    return np.ascontiguousarray(levels.numpy().astype(dtype).transpose(1, 2, 0))


def _resized(alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes planes (H, W) or (H, W, A) and keeps their type."""
    planes = alpha.reshape(*alpha.shape[:2], -1)
    if np.issubdtype(alpha.dtype, np.floating):
        tensor = torch.from_numpy(planes.transpose(2, 0, 1).astype(np.float32))[None]
        new = resize(tensor, size)[0].permute(1, 2, 0).numpy().astype(alpha.dtype)
    else:
        tensor = torch.from_numpy(planes.transpose(2, 0, 1) / np.float32(np.iinfo(alpha.dtype).max))[None]
        new = _to_levels(resize(tensor, size), alpha.dtype)
    return new.reshape(*size, *alpha.shape[2:])


def open_image(image: Any) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """Converts any kind of image to a tensor. Also returns a function that converts a tensor to the same kind.

    Args:
        image: A path; a `Picture`; a PIL image; an array, (H, W) or (H, W, C) with C 1 to 4, uint8, uint16 or float in
            [0, 1], where the last of 2 or 4 channels is alpha; or a float tensor, (C, H, W) or (1, C, H, W), in [0, 1].
            Floats may leave [0, 1] a little, as unclipped noise does.

    Returns:
        Image as float32 (1, C, H, W) on the host, without alpha, and a function from such a tensor to an image of the
        same kind as the input (a `Picture` for a path), with the alpha of the input.

    Raises:
        ImageError: Values are not finite, or the file or PIL image cannot be used.
        ShapeError: Shape, dtype or range are none of the above.
    """
    if isinstance(image, str | os.PathLike):
        image = read_picture(image)
    if isinstance(image, Picture):
        picture = image
        return to_tensor(picture), lambda new: from_tensor(new, picture)
    if isinstance(image, np.ndarray):
        return _open_array(np.asarray(image))
    if isinstance(image, Tensor):
        return _open_tensor(image)
    if hasattr(image, "getbands") and hasattr(image, "tobytes"):
        return _open_pil(image)
    raise ShapeError(f"Expected a path, Picture, PIL image, array or tensor, got {type(image).__name__}.", value=image)


def _open_pil(image: PIL.Image.Image) -> tuple[Tensor, Callable[[Tensor], Any]]:
    from PIL import Image

    if (frames := getattr(image, "n_frames", 1)) > 1:
        raise ImageError(f"Expected a single picture, got {frames} frames.", value=frames)
    try:
        image.load()
    except (OSError, ValueError) as error:
        message = f"The PIL image cannot be read: {error}."
        hint = "Its file may be damaged or cut short, or it was closed before its pixels were read."
        raise ImageError(message, hint=hint, value=image.mode) from error
    if "transparency" in image.info and image.mode in ("1", "L", "RGB"):  # one clear value, which enhancing would move
        image = image.convert("RGBA" if image.mode == "RGB" else "LA")
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode not in _PIL_MODES:
        raise ImageError(
            f"A PIL image of mode {image.mode!r} is not supported.",
            hint=f"Convert it to one of {', '.join(_PIL_MODES)}, or pass its path.", value=image.mode,
        )  # fmt: skip
    mode = _PIL_MODES[image.mode]
    tensor, close = _open_array(np.asarray(image if mode == image.mode else image.convert(mode)))
    info = dict(image.info)

    def close_pil(new: Tensor) -> PIL.Image.Image:
        result = Image.fromarray(close(new))
        result.info.update(info)
        return result

    return tensor, close_pil


def _open_array(array: np.ndarray) -> tuple[Tensor, Callable[[Tensor], Any]]:
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] > 4):
        raise ShapeError(f"Expected an array (H, W) or (H, W, C) with C 1 to 4, got {array.shape}.", value=array.shape)
    planes = array.reshape(*array.shape[:2], -1)
    colours = 3 if planes.shape[2] >= 3 else 1
    colour, alpha = planes[..., :colours], planes[..., colours:]
    if np.issubdtype(array.dtype, np.floating):
        tensor = torch.from_numpy(np.array(colour.transpose(2, 0, 1), dtype=np.float32))[None]
        check_values(tensor)

        def to_plane(new: Tensor) -> np.ndarray:
            return new[0].permute(1, 2, 0).numpy().astype(array.dtype)

    elif array.dtype in (np.uint8, np.uint16):
        picture = Picture(np.ascontiguousarray(colour))
        tensor = to_tensor(picture)

        def to_plane(new: Tensor) -> np.ndarray:
            return from_tensor(new, picture).pixels

    else:
        raise ShapeError(f"Expected an array of uint8, uint16 or float, got {array.dtype}.", value=array.dtype)

    def close(new: Tensor) -> np.ndarray:
        plane = to_plane(new)
        fitting = alpha if alpha.shape[:2] == plane.shape[:2] or not alpha.size else _resized(alpha, plane.shape[:2])
        joined = np.concatenate([plane, fitting], axis=2) if fitting.size else plane
        return joined.reshape(*plane.shape[:2], *array.shape[2:])

    return tensor, close


def _open_tensor(image: Tensor) -> tuple[Tensor, Callable[[Tensor], Any]]:
    if image.ndim not in (3, 4) or (image.ndim == 4 and image.shape[0] != 1) or 0 in image.shape:
        raise ShapeError(
            f"Expected one image, (C, H, W) or (1, C, H, W), got {tuple(image.shape)}.",
            hint="Pass the images of a batch one by one.", value=tuple(image.shape),
        )  # fmt: skip
    if image.layout is not torch.strided or image.is_meta:
        kind = "one without values" if image.is_meta else str(image.layout)
        raise ShapeError(f"Expected a dense tensor with values, got {kind}.", value=tuple(image.shape))
    if not image.is_floating_point():
        raise ShapeError(
            f"Expected a float tensor in [0, 1], got {image.dtype}.", hint="Divide by its maximum.",
            value=image.dtype,
        )  # fmt: skip
    tensor = image.detach().to("cpu", torch.float32).reshape(1, *image.shape[-3:])
    check_values(tensor)
    return tensor, lambda new: new.to(image.device, image.dtype).reshape(*image.shape[:-2], *new.shape[-2:])


def check_values(image: Tensor) -> None:
    """Raises if a float image is not finite or does not have the scale [0, 1].

    Raises:
        ImageError: A value is NaN or infinite.
        ShapeError: Values are outside [-3, 4], far beyond what noise does. Probably the scale is 0 to 255.
    """
    low, high = (value.item() for value in image.aminmax())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ImageError(
            "The image has values that are NaN or infinite.", hint="Replace them first.", value=(low, high)
        )
    if low < -3 or high > 4:
        raise ShapeError(
            f"Expected values in [0, 1], got {low:.4g} to {high:.4g}.", hint="Divide by 255 or 65535.",
            value=(low, high),
        )  # fmt: skip
