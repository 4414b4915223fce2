"""Picture files: reading and writing without losing bits, alpha, colour profile or metadata.

Done with libvips, because Pillow cuts 16-bit colour to 8 bits in silence. Not here: tensors, which are in
`vaezoo.image.file.convert`. libvips neither reads nor writes EXIF in TIFF files; `tiff` beside it does. No IPTC.
"""

from __future__ import annotations

import os
import re
import secrets
import struct
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaezoo.errors import ImageError, suggest
from vaezoo.image.file.picture import Picture
from vaezoo.image.file.png import is_animated, other_colours, read_chunks, with_chunks
from vaezoo.image.file.tiff import read_exif, with_exif

if TYPE_CHECKING:
    import pyvips

READABLE = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".gif"})
"""File suffixes that are looked for in a folder."""

_FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff",
            ".avif": "avif"}  # fmt: skip
WRITABLE = frozenset(_FORMATS)
"""File suffixes that can be written."""

_LOADERS = {"jpegload": "jpeg", "pngload": "png", "webpload": "webp", "tiffload": "tiff", "gifload": "gif",
            "heifload": "heif"}  # fmt: skip
_COLOURS = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb": 3, "rgb16": 3, "cmyk": 4}
_MAX_PIXELS = 2**28


def read_picture(path: str | os.PathLike[str], *, max_pixels: int = _MAX_PIXELS) -> Picture:
    """Reads one picture, upright, with all its bits.

    Palettes are expanded, CMYK is converted to sRGB, the EXIF rotation is applied. Everything else keeps the
    values and the colour profile of the file.

    Args:
        path: A JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF file with one picture in it.
        max_pixels: The largest width x height that is decoded; guards against decompression bombs.

    Raises:
        ImageError: The file is missing, unreadable, damaged, animated, too large, of another format or has
            samples that are not 8 or 16 bits.
    """
    import pyvips

    path = Path(path)
    _check_file(path)
    try:
        source = pyvips.Source.new_from_file(os.fsencode(path))
        # A source is new for each call, so that libvips' cache cannot answer with a file's former content.
        image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error")
        _check_header(path, image, max_pixels)
        form = _LOADERS[_loader(image)]
        image = image.copy_memory().autorot()
        if image.interpretation == "cmyk":
            depth = 8 if image.format == "uchar" else 16
            image = image.icc_transform("srgb", embedded=True, depth=depth)
        samples = image.numpy()
    except pyvips.Error as error:
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


def write_picture(picture: Picture, path: str | os.PathLike[str], *, quality: int = 95) -> None:
    """Writes a picture in the format of the path's suffix; the target is replaced in one step or not touched.

    16-bit pictures are rounded to 8 bits for JPEG and WebP, and to 12 bits for AVIF.

    Args:
        picture: What to write, with its profile and metadata.
        path: The target; a file that is there already is replaced.
        quality: Of JPEG, WebP and AVIF, 1 to 100. 100 is lossless for WebP and AVIF.

    Raises:
        ImageError: The suffix names no format that can be written, the format cannot hold the picture (alpha
            in a JPEG, too large a side) or the target cannot be written.
    """
    import pyvips

    path = Path(path)
    form = check_suffix(path)
    if not 1 <= quality <= 100:
        raise ImageError(f"Quality is 1 to 100, not {quality}.", value=quality)
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
        encoded = _to_vips(picture).write_to_buffer(path.suffix.lower(), **options[form])
    except pyvips.Error as error:
        raise ImageError(f"{path} cannot be encoded: {_reason(error)}.", value=str(path)) from error
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
    replace_file(path, encoded)


def check_suffix(path: Path) -> str:
    """Returns the format that a target's suffix names.

    Raises:
        ImageError: It names none that can be written.
    """
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise ImageError(
            f"{path} ends with {path.suffix!r}, which is no format that can be written.",
            hint=suggest(path.suffix, WRITABLE), value=str(path),
        )  # fmt: skip
    return form


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder; a picture file was expected.", value=str(path))
        with path.open("rb") as file:
            start = file.read(1)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}.", value=str(path)) from error
    except ValueError as error:  # no file can have this name
        raise ImageError(f"{str(path)!r} cannot be read: {error}.", value=str(path)) from error
    if not start:
        raise ImageError(f"{path} is empty (0 bytes); a picture was expected.", value=str(path))


def _check_header(path: Path, image: pyvips.Image, max_pixels: int) -> None:
    form = _LOADERS.get(_loader(image))
    pages = image.get("n-pages") if image.get_typeof("n-pages") else 1
    expected, came = "", ""
    if form is None:
        expected, came = "a JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF", _loader(image)
    elif pages > 1 or (form == "png" and is_animated(path)):
        expected, came = "a single picture", "an animation or several pages; extract one as PNG"
    elif image.width * image.height > max_pixels:
        expected, came = f"at most {max_pixels} pixels", f"{image.width}x{image.height}; cut or shrink it"
    elif image.format not in ("uchar", "ushort"):
        expected, came = "8 or 16 bits per sample", f"samples of type {image.format}; convert it to 16 bits"
    elif image.bands - image.hasalpha() != _COLOURS.get(image.interpretation):
        came = f"{image.bands} bands of {image.interpretation}; convert it to RGB"
        expected = "gray, RGB or CMYK"
    if expected:
        raise ImageError(f"{path}: expected {expected}, got {came}.", value=str(path))


def _tiff_exif(path: Path) -> bytes | None:
    try:
        return read_exif(path)
    except ValueError as error:
        warnings.warn(f"vaezoo: {path}: the EXIF is malformed ({error}), so it is left out", stacklevel=3)
        return None


def _without_thumbnail(exif: bytes) -> bytes:
    """Cuts the chain from the picture's directory to its thumbnail's, which would show the old picture."""
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


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file beside the target and moves it there, so that no half a file is ever seen.

    Raises:
        ImageError: It cannot be written.
    """
    part = path.with_name(f".vaezoo-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise ImageError(f"{path} cannot be written: {error.strerror}.", value=str(path)) from error
    finally:
        with suppress(OSError):  # it is gone, or never was, or nobody may look
            part.unlink()


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, where they are missing.

    Raises:
        ImageError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"The folder {folder} cannot be made: {error.strerror}.", value=str(folder)) from error


def _loader(image: pyvips.Image) -> str:
    return str(image.get("vips-loader")).removesuffix("_source")


def _blob(image: pyvips.Image, name: str) -> bytes | None:
    return bytes(image.get(name)) if image.get_typeof(name) else None


def _reason(error: pyvips.Error) -> str:
    """Returns what libvips says, each complaint once, and none of the places it looked for a file that ends early."""
    lines = list(dict.fromkeys(line.strip() for line in str(error).splitlines() if line.strip()))
    told = [line for line in lines[1:] if ": bad seek to " not in line]
    return "; ".join(told or lines)
