"""Images of a folder or zip, decoded to 8 bits per value.

`vaezoo.image.file.files` reads and writes single files with all their bits.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from PIL import Image, ImageSequence

from vaezoo.errors import ImageError
from vaezoo.files.reading import read_regular
from vaezoo.image.file.opening import HEAD, LARGEST, form_of, open_pil, open_vips
from vaezoo.image.file.picture import Picture

Array = np.ndarray[Any, np.dtype[np.uint8]]
_LEAST, _LEAST_MEMBER = 2**30, 2**26
"""Bytes of decoded images that are always allowed, and of a file in a zip that always is."""
_MOST_UNPACKED = 256
"""How many times as many bytes images may take as their files, and a zip's file as it takes in the zip."""
SUFFIXES = (".png", ".webp", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


class Decoded(NamedTuple):
    """A decoded image of a folder or zip.

    Attributes:
        name: Path inside the folder without suffix, such as ``scene/photo``. A TIFF file with several images, as from
            microscopes, gives ``scene/photo-0`` and so on.
        pixels: Pixels, uint8 (H, W, 3).
        bits: Bits per value in the file, 8 or 16.
    """

    name: str
    pixels: Array
    bits: int


def read_pictures(path: Path) -> list[Decoded]:
    """Reads all images of a folder (with subfolders) or zip as RGB. Hidden ones are left out.

    Values of 16 bits are rounded to 8.

    Returns:
        Images, sorted by stem.

    Raises:
        ImageError: There are no images, one cannot be read, the path is neither a folder nor a zip, or the images
            take more than 1 GiB and 256 times the bytes of their files.
    """
    names = list_pictures(path)
    found, budget = list[Decoded](), _Budget(path, names)
    for name, content in _files(path, names):
        try:
            found += _decode(Path(name).with_suffix("").as_posix(), content, budget)
        except Exception as error:  # each format, and each damage to it, raises its own kind
            reason = "it is empty" if not content else str(error).partition(" <_io.")[0]
            raise ImageError(
                f"{name} in {path} is not a readable picture: {reason}.", hint="Take it away, or save it as PNG.",
                value=name,
            ) from error  # fmt: skip
    return found


def list_pictures(path: Path) -> list[str]:
    """Lists the paths of the images in a folder or zip, sorted by stem, without opening any.

    Raises:
        ImageError: There are no images, or the path is neither a folder nor a zip.
    """
    if path.is_dir():
        names = [str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()]
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    else:
        raise ImageError(f"{path} is neither a folder nor a zip of pictures.", value=str(path))
    found = sorted((name for name in names if _is_picture(Path(name))), key=lambda name: (Path(name).stem, name))
    if not found:
        raise ImageError(f"There is no picture ({', '.join(SUFFIXES)}) in {path}.", value=str(path))
    return found


def pictures_sha256(names: Sequence[str], pixels: Sequence[Array]) -> str:
    """Returns the hash of images: of their names, sizes and values."""
    digest = hashlib.sha256()
    for name, array in zip(names, pixels, strict=True):
        digest.update(f"{name} {array.shape[0]} {array.shape[1]}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def to_gray(pixels: Sequence[Array]) -> list[Array]:
    """Converts images (H, W, 3) to luma (H, W, 1). Gray ones stay as they are."""
    luma = (np.asarray(Image.fromarray(array).convert("L")) for array in pixels if array.shape[2] == 3)
    return [array[..., None] for array in luma] or list(pixels)


@final
class _Budget:
    """What all images of a folder or zip may take in memory: 1 GiB, or 256 times what their files take if that is more.

    Args:
        path: Folder or zip.
        names: Paths of the images in it.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        files = [path / name for name in names] if path.is_dir() else [path]
        self.most = max(_LEAST, _MOST_UNPACKED * sum(file.stat().st_size for file in files))
        self.left = self.most

    def take(self, size: tuple[int, int]) -> None:
        """Takes the memory of one image, (width, height); raises ValueError if it is not there."""
        self.left -= 3 * size[0] * size[1]
        if self.left < 0:
            raise ValueError(
                f"with it, the images take more than {self.most} bytes, {_MOST_UNPACKED} times their files"
            )


def _decode(name: str, content: bytes, budget: _Budget) -> Iterator[Decoded]:
    with open_pil(io.BytesIO(content)) as picture:
        bits = _bits(picture)
        stack = picture.format == "TIFF" and getattr(picture, "n_frames", 1) > 1
        for page, frame in enumerate(ImageSequence.Iterator(picture) if stack else [picture]):
            budget.take(frame.size)
            deep = bits == 16 and frame.mode in ("RGB", "RGBA")
            pixels = _deep_colour(content, {"page": page} if stack else {}) if deep else _to_rgb(frame)
            yield Decoded(f"{name}-{page}" if stack else name, pixels, bits)


def _bits(picture: Image.Image) -> int:
    """Returns the bits per value in the file, which Pillow tells by the byte order that it unpacks."""
    if _is_deep_gray(picture):
        return 16
    tiles = getattr(picture, "tile", ()) if picture.format in ("PNG", "TIFF") else ()
    return 16 if tiles and ";16" in str(tiles[0][3]) else 8


def _is_deep_gray(picture: Image.Image) -> bool:
    before_pillow_11 = (picture.mode, picture.format) == ("I", "PNG")
    return picture.mode.startswith("I;16") or before_pillow_11


def _to_rgb(picture: Image.Image) -> Array:
    """Returns an image's pixels (H, W, 3). 16-bit gray is rounded, where Pillow would clip it to white."""
    if _is_deep_gray(picture):
        return np.repeat(_rounded(np.asarray(picture).astype(np.uint16)[..., None]), 3, axis=2)
    if picture.mode in ("I", "F"):
        raise ValueError(f"its samples are of type {picture.mode!r}, not of 8 or 16 bits")
    return np.asarray(picture.convert("RGB"))


def _deep_colour(content: bytes, options: dict[str, int]) -> Array:
    """Returns a file's 16-bit colours rounded to 8 bits, where Pillow would drop the lower 8."""
    samples = open_vips(content, str(form_of(content[:HEAD])), **options).numpy()
    return _rounded(samples[..., :3] if samples.shape[2] > 2 else np.repeat(samples[..., :1], 3, axis=2))


def _rounded(values: np.ndarray) -> Array:
    return Picture(values).to_8_bits().pixels


def _files(path: Path, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for name in names:
            yield name, _content(name, path, functools.partial(read_regular, path / name, LARGEST))
        return
    with zipfile.ZipFile(path) as archive:
        for name in names:
            yield name, _content(name, path, functools.partial(_member, archive, name))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns a file of a zip, if it begins as an image and does not unpack to much more than it takes in there."""
    told = archive.getinfo(name)
    with archive.open(told) as file:
        head = file.read(HEAD)
        if head and form_of(head) is None:
            raise ValueError(f"it begins with {head[:8]!r}, as no image does")
        if told.file_size > max(_LEAST_MEMBER, min(_MOST_UNPACKED * told.compress_size, LARGEST)):
            raise ValueError(f"its {told.compress_size} bytes unpack to {told.file_size}")
        return head + file.read()


def _is_picture(inside: Path) -> bool:
    return inside.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in inside.parts)


def _content(name: str, path: Path, read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except Exception as error:  # OSError for a file; for a zip several kinds, also for a password
        raise ImageError(f"{name} in {path} cannot be read: {error}.", value=name) from error
