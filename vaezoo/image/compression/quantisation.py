"""Reads what a JPEG file tells about its original: an interval for each DCT coefficient.

An encoder divides each coefficient by a step Q of the file's tables and stores the nearest integer k. So the
coefficient of the original was in [(k − ½)Q, (k + ½)Q]. `vaezoo.image.compression.intervals` moves an image into these
intervals.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vaezoo.errors import ImageError
from vaezoo.files.reading import open_regular, read_regular
from vaezoo.image.compression.dct import dct, inverse_dct, to_blocks
from vaezoo.image.file.opening import LARGEST, MAX_BYTES_PER_PIXEL, check_size, open_pil, open_vips

if TYPE_CHECKING:
    from PIL.JpegImagePlugin import JpegImageFile

MAX_PIXELS = 2**27
"""Largest width x height of a file whose coefficients are read; they take 12 bytes for each pixel, or 6."""
STRIP = 1024
"""Rows of pixels whose coefficients are searched at once: the search takes ten times as much memory as its result."""
ROUNDS = 8
"""Largest number of rounds in the search for the coefficients of clipped blocks."""
_HALVED = [(2, 2), (1, 1), (1, 1)]
"""Sampling factors of 4:2:0."""


@dataclass(frozen=True)
class Plane:
    """Quantised coefficients of luma or of one chroma plane.

    Attributes:
        centre: Values k·Q, (rows, columns, 8, 8), in grey levels around 0.
        step: Steps Q, (8, 8), in grey levels.
        known: Blocks (rows, columns) whose k·Q give the file's pixels when transformed back, up to one grey level.
    """

    centre: Tensor
    step: Tensor
    known: Tensor


@dataclass(frozen=True)
class Quantised:
    """Quantised coefficients of a JPEG file.

    Attributes:
        size: (H, W) of the stored image, in pixels.
        channels: Number of channels, 1 or 3.
        planes: Luma plane, followed by both chroma planes if they are as large, or half as large both ways (4:2:0).
        halved: Whether the chroma planes are half as large.
        orientation: EXIF orientation, 1 to 8, which turns the stored image upright.
    """

    size: tuple[int, int]
    channels: int
    planes: tuple[Plane, ...]
    halved: bool = False
    orientation: int = 1


def expected_error(table: Sequence[int]) -> float:
    """Returns the root mean square error of luma, in grey levels, quantised by a table of 64 steps Q: √(mean Q²/12).

    It is an upper bound for most images, whose finest coefficients are smaller than half a step and have smaller
    errors.
    """
    return math.sqrt(sum(step * step for step in table) / (12 * len(table)))


def read_luma_table(file: str | os.PathLike[str] | IO[bytes]) -> tuple[int, ...] | None:
    """Returns the 64 steps of a JPEG file's luma table, from its header only; None if it is not a JPEG file."""
    try:
        with open_regular(file) if isinstance(file, str | os.PathLike) else nullcontext(file) as opened:
            picture = open_pil(opened, "jpeg")
            tables: dict[int, list[int]] = getattr(picture, "quantization", {})
    except (ImageError, OSError, SyntaxError, ValueError):
        return None
    return tuple(tables[min(tables)]) if tables else None


def read_quantised(file: str | os.PathLike[str] | IO[bytes]) -> Quantised:
    """Reads the quantised coefficients of a JPEG file, baseline or progressive.

    They are computed from the decoded planes: k is the coefficient of the 8-bit values divided by Q, rounded. For
    values that were clipped to 0 or 255, the values beyond are searched for. If Q is 1 or 2, rounding to 8 bits may
    change k by one.

    Args:
        file: Path, or open file.

    Raises:
        ImageError: The file cannot be read, is not JPEG, or has planes other than gray, or luma and chroma.
    """
    import pyvips

    content, name = _content(file)
    if content[:3] != b"\xff\xd8\xff":
        raise ImageError(
            f"{name}: expected a JPEG file, which states its quantisation, got one that begins with {content[:4]!r}.",
            hint="Leave projection out, or give the JPEG file that the picture came from.", value=name,
        )  # fmt: skip
    try:
        return _read(content, name)
    except (OSError, SyntaxError, ValueError, LookupError, OverflowError, pyvips.Error) as error:
        raise ImageError(f"{name} cannot be decoded: {str(error).strip()}.", value=name) from error


def _content(file: str | os.PathLike[str] | IO[bytes]) -> tuple[bytes, str]:
    """Returns a file's bytes, and its name for error messages."""
    if not isinstance(file, str | os.PathLike):
        return file.read(), str(getattr(file, "name", "the file"))
    try:
        return read_regular(file, LARGEST), str(file)
    except OSError as error:
        raise ImageError(f"{file} cannot be read: {error.strerror}.", value=str(file)) from error


def _read(content: bytes, name: str) -> Quantised:
    header = _open(content)
    (width, height), layers = header.size, header.layer
    if len(layers) not in (1, 3) or header.info.get("adobe_transform") == 0:
        came = "red, green and blue" if len(layers) == 3 else f"{len(layers)} planes"
        raise ImageError(f"{name}: expected gray, or luma and chroma, got {came}.", value=name)
    factors = [(layer[1], layer[2]) for layer in layers]
    halved = factors == _HALVED
    steps = [torch.tensor(header.quantization[layer[3]], dtype=torch.float32).reshape(8, 8) for layer in layers]
    pixels = _decoded(content, 8)
    if halved:
        pixels = pixels[:1].clone()  # so that the chroma beside it, as large, is not kept
    planes = [_plane(pixels[0], steps[0])]
    if halved or len(set(factors)) == 1:
        pixels = _decoded(content, 16, 2) if halved else pixels
        planes += [_plane(chroma, step) for chroma, step in zip(pixels[1:], steps[1:], strict=True)]
    return Quantised((height, width), len(layers), tuple(planes), halved, _orientation(content))


def _open(content: bytes) -> JpegImageFile:
    from PIL.JpegImagePlugin import JpegImageFile

    image = JpegImageFile(io.BytesIO(content))
    check_size("the JPEG file", image.size, MAX_BYTES_PER_PIXEL, MAX_PIXELS)  # a file may state two sizes
    return image


def _orientation(content: bytes) -> int:
    """Returns the EXIF orientation by libvips, which also turns the images in `read_picture`."""
    image = open_vips(content, "jpeg")
    found = int(image.get("orientation")) if image.get_typeof("orientation") else 1
    return found if 1 <= found <= 8 else 1


def _decoded(content: bytes, unit: int, scale: int = 1) -> Tensor:
    """Decodes the planes as the file stores them, uint8 (C, H, W), including pixels beyond the border.

    A file stores whole blocks at the right and lower border, and its header says where to crop. The header is changed
    to a multiple of ``unit``, which has no other effect. At half the scale, libjpeg gives subsampled chroma as it is
    stored.
    """
    at = _frame(content)
    sides = [math.ceil(int.from_bytes(content[at + i : at + i + 2], "big") / unit) * unit for i in (0, 2)]
    image = _open(content[:at] + b"".join(side.to_bytes(2, "big") for side in sides) + content[at + 4 :])
    image.draft("YCbCr", (image.width // scale, image.height // scale))
    pixels = np.array(image)
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1)


def _frame(content: bytes) -> int:
    """Returns the position of the height in a JPEG file. The width follows two bytes later."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return at + 5
        at += 1 if kind == 0xFF else 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise ValueError("it has no frame")


def _plane(pixels: Tensor, step: Tensor) -> Plane:
    """Finds the coefficients k·Q from which a decoder made a plane of pixels (H, W), a strip at a time."""
    strips = [_strip(strip.float(), step) for strip in pixels.split(STRIP)]
    return Plane(torch.cat([centre for centre, _ in strips]), step, torch.cat([known for _, known in strips]))


def _strip(pixels: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the coefficients of a strip of a plane, and which blocks are known."""
    values = seen = to_blocks(pixels - 128)
    for _ in range(ROUNDS):
        centre = torch.round(dct(values) / step) * step
        back = inverse_dct(centre)
        known = ((back.clamp(-128, 127) - seen).abs() <= 1).all(-1).all(-1)
        if bool(known.all()):
            break
        values = torch.where(seen <= -128, back.clamp(max=-128), torch.where(seen >= 127, back.clamp(min=127), seen))
    return centre, known
