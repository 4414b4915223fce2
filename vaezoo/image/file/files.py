"""Reading and writing image files without loss of bits, alpha, colour profile or metadata.

It uses libvips, since Pillow silently reduces 16-bit colour to 8 bits. libvips does not support EXIF in TIFF files, so
`tiff` beside this module does. IPTC is not supported. Tensors are in `vaezoo.image.file.convert`.
"""

from __future__ import annotations

import dataclasses
import os
import re
import struct
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaezoo.errors import ImageError, suggest
from vaezoo.files.atomic import write_whole
from vaezoo.image.file.opening import MAX_PIXELS, check_size, form_of, head_of, open_vips
from vaezoo.image.file.picture import Picture
from vaezoo.image.file.png import is_animated, other_colours, read_chunks, with_chunks
from vaezoo.image.file.tiff import read_exif, with_exif
from vaezoo.moved import former

if TYPE_CHECKING:
    import pyvips

READABLE = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".gif"})
"""File suffixes that are looked for in a folder."""

_FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff",
            ".avif": "avif"}  # fmt: skip
WRITABLE = frozenset(_FORMATS)
"""File suffixes that can be written."""

_READ = frozenset({"jpeg", "png", "webp", "tiff", "gif", "heif"})
_COLOURS = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb": 3, "rgb16": 3, "cmyk": 4}


def read_picture(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Reads one image, upright, with all its bits.

    Palettes are expanded, CMYK is converted to sRGB, and the EXIF rotation is applied. Otherwise values and colour
    profile stay those of the file.

    Args:
        path: Path of a JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF file with one image.
        max_pixels: Largest width × height to decode, against decompression bombs.

    Raises:
        ImageError: The file is missing, unreadable, damaged, animated, too large or of another format, or its samples
            are not 8 or 16 bits.
    """
    path = Path(path)
    form = _form(path)
    try:
        image = open_vips(path, form, access="sequential", fail_on="error")
        _check_header(path, form, image, max_pixels)
        if image.get_typeof("orientation") and image.get("orientation") > 1:
            image = image.copy_memory().autorot()
        if image.interpretation == "cmyk":
            depth = 8 if image.format == "uchar" else 16
            image = image.icc_transform("srgb", embedded=True, depth=depth)
        samples = image.numpy()
    except (ImageError, MemoryError):
        raise
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}.", value=str(path)) from error
    except Exception as error:  # of libvips, or of its binding, which cannot decode every message of a damaged file
        raise ImageError(
            f"{path} cannot be decoded: {_reason(error)}.",
            hint="It may be damaged, cut short or in another format; open and save it as PNG in an editor.",
            value=str(path),
        ) from error
    samples = samples.reshape(image.height, image.width, image.bands)
    colours = image.bands - image.hasalpha()
    exif, xmp = _blob(image, "exif-data") if form != "tiff" else _tiff_exif(path), _blob(image, "xmp-data")
    return Picture(
        pixels=np.ascontiguousarray(samples[..., :colours]),
        alpha=np.ascontiguousarray(samples[..., colours]) if image.hasalpha() else None,
        icc=_blob(image, "icc-profile-data"),
        exif=exif and _without_thumbnail(exif),
        xmp=xmp and re.sub(rb"(tiff:Orientation(?:=[\"']|>))[2-8]", rb"\g<1>1", xmp),
        resolution=(image.xres, image.yres),
        chunks=read_chunks(path) if form == "png" else (),
        format=form,
    )


def write_picture(picture: Picture, path: str | os.PathLike[str], *, quality: int = 95, replace: bool = True) -> None:
    """Writes an image in the format of the path's suffix. The target is replaced in one step or left untouched.

    16-bit images are rounded to 8 bits for JPEG and WebP, and to 12 bits for AVIF.

    Args:
        picture: Image with its profile and metadata.
        path: Path of the target.
        quality: Quality of JPEG, WebP and AVIF, 1 to 100. 100 is lossless for WebP and AVIF.
        replace: Whether an existing file may be replaced, even one that appeared a moment ago.

    Raises:
        ConfigError: The target exists and may not be replaced.
        ImageError: The suffix is not a format that can be written, the format cannot hold the image (alpha in a JPEG,
            too large a side), or the target cannot be written.
    """
    path = Path(path)
    form = check_suffix(path)
    if not 1 <= quality <= 100:
        raise ImageError(f"Quality is 1 to 100, not {quality}.", value=quality)
    encoded = _encoded(picture, path, quality)
    if form == "tiff" and picture.exif:
        try:
            encoded = with_exif(encoded, picture.exif)
        except ValueError as error:
            warnings.warn(f"vaezoo: {path}: the EXIF is malformed ({error}), so it is left out", stacklevel=2)
    if form == "png":
        encoded = with_chunks(encoded, picture.chunks, profile=picture.icc is not None)
    elif picture.icc is None and (told := other_colours(picture.chunks)):
        message = f"vaezoo: {path}: the picture says by {' and '.join(told)} that its colours are not sRGB's"
        warnings.warn(f"{message}; {form} cannot hold that, so they will look different: write PNG", stacklevel=2)
    write_whole(path, encoded, replace=replace, error=ImageError)


def check_writable(picture: Picture, path: str | os.PathLike[str]) -> None:
    """Raises if an image cannot be encoded in the format of a path's suffix. Nothing is written.

    Only a row and a column are encoded, and of AVIF, which is slow, a corner.

    Raises:
        ImageError: As for :func:`write_picture`, such as for a profile that the format refuses.
    """
    whole, first, corner = slice(None), slice(1), (slice(16), slice(16))
    slow = check_suffix(Path(path)) == "avif"
    parts = [corner] if slow else [(first, whole), (whole, first)]
    for part in parts:
        alpha = None if picture.alpha is None else picture.alpha[part]
        _encoded(dataclasses.replace(picture, pixels=picture.pixels[part], alpha=alpha), Path(path), 95)


def _encoded(picture: Picture, path: Path, quality: int) -> bytes:
    """Returns an image as a file's bytes. They lack what only we can add, such as the chunks of a PNG."""
    import pyvips

    form = check_suffix(path)
    if form == "jpeg" and picture.alpha is not None:
        raise ImageError(
            f"{path}: the picture has an alpha channel, which JPEG cannot hold.",
            hint="Write PNG, WebP, TIFF or AVIF.", value=str(path),
        )  # fmt: skip
    if form in ("jpeg", "webp"):
        picture = picture.to_8_bits()
    options: dict[str, dict[str, Any]] = {
        "png": {},
        "jpeg": {"Q": quality, "optimize_coding": True},
        "webp": {"Q": quality, "lossless": quality == 100, "smart_subsample": True},
        "tiff": {"compression": "deflate", "predictor": "horizontal"},
        "avif": {"Q": quality, "lossless": quality == 100, "bitdepth": 8 if picture.bits == 8 else 12},
    }
    try:
        return bytes(_to_vips(picture).write_to_buffer(path.suffix.lower(), **options[form]))
    except pyvips.Error as error:
        raise ImageError(f"{path} cannot be encoded: {_reason(error)}.", value=str(path)) from error


def check_suffix(path: Path) -> str:
    """Returns the format that a target's suffix names.

    Raises:
        ImageError: The suffix is not a format that can be written.
    """
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise ImageError(
            f"{path} ends with {path.suffix!r}, which is no format that can be written.",
            hint=suggest(path.suffix, WRITABLE), value=str(path),
        )  # fmt: skip
    return form


def _form(path: Path) -> str:
    """Returns the format of a file, by its first bytes; nothing else of it is read."""
    if path.is_dir():
        raise ImageError(f"{path} is a folder; a picture file was expected.", value=str(path))
    try:
        head = head_of(path)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}.", value=str(path)) from error
    except ValueError as error:  # no file can have this name
        raise ImageError(f"{str(path)!r} cannot be read: {error}.", value=str(path)) from error
    if not head:
        raise ImageError(f"{path} is empty (0 bytes); a picture was expected.", value=str(path))
    form = form_of(head)
    if form is None or form not in _READ:
        raise ImageError(
            f"{path}: expected a JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF, got a file that begins with {head[:8]!r}.",
            hint="Open it in an editor and save it as PNG.", value=str(path),
        )  # fmt: skip
    return form


def _check_header(path: Path, form: str, image: pyvips.Image, max_pixels: int) -> None:
    pages = image.get("n-pages") if image.get_typeof("n-pages") else 1
    expected, came = "", ""
    if pages > 1 or (form == "png" and is_animated(path)):
        expected, came = "a single picture", "an animation or several pages; extract one as PNG"
    elif image.format not in ("uchar", "ushort"):
        expected, came = "8 or 16 bits per sample", f"samples of type {image.format}; convert it to 16 bits"
    elif image.bands - image.hasalpha() != _COLOURS.get(image.interpretation):
        came = f"{image.bands} bands of {image.interpretation}; convert it to RGB"
        expected = "gray, RGB or CMYK"
    if expected:
        raise ImageError(f"{path}: expected {expected}, got {came}.", value=str(path))
    check_size(str(path), (image.width, image.height), image.bands * (1 + (image.format == "ushort")), max_pixels)


def _tiff_exif(path: Path) -> bytes | None:
    try:
        return read_exif(path)
    except ValueError as error:
        warnings.warn(f"vaezoo: {path}: the EXIF is malformed ({error}), so it is left out", stacklevel=3)
        return None


def _without_thumbnail(exif: bytes) -> bytes:
    """Cuts the link from the EXIF directory to the thumbnail, which would show the old image."""
    start = 6 if exif.startswith(b"Exif\0\0") else 0
    order = "<" if exif[start : start + 2] == b"II" else ">"
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, start + 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, start + first)
    except struct.error:
        return exif
    link = start + first + 2 + 12 * entries
    return exif[:link] + bytes(4) + exif[link + 4 :]


def _to_vips(picture: Picture) -> pyvips.Image:
    import pyvips

    bands = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha[..., None]]
    kinds = ("b-w", "grey16") if picture.pixels.shape[2] == 1 else ("srgb", "rgb16")
    across, down = picture.resolution
    image = pyvips.Image.new_from_array(np.concatenate(bands, axis=2)).copy(
        interpretation=kinds[picture.bits == 16], xres=across, yres=down
    )
    metadata = {"icc-profile-data": picture.icc, "exif-data": picture.exif, "xmp-data": picture.xmp}
    for name, blob in metadata.items():
        if blob:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    return image


__getattr__ = partial(former, __name__)


def _blob(image: pyvips.Image, name: str) -> bytes | None:
    return bytes(image.get(name)) if image.get_typeof(name) else None


def _reason(error: Exception) -> str:
    """Returns the message of libvips, each complaint once, without the positions of a file that ends early."""
    lines = list(dict.fromkeys(line.strip() for line in str(error).splitlines() if line.strip()))
    told = [line for line in lines[1:] if ": bad seek to " not in line]
    return "; ".join(told or lines)
