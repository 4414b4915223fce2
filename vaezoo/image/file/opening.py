"""Opening image files: the first bytes tell the format, one named decoder reads it, and sizes are checked before that.

Neither libvips nor Pillow chooses a decoder here. Both know formats whose decoders start programs, read other files or
take minutes before they refuse: PostScript, SVG, matrices, libvips' own.
"""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from vaezoo.errors import ImageError
from vaezoo.files.reading import open_regular

if TYPE_CHECKING:
    import PIL.Image
    import pyvips

MAX_PIXELS = 2**28
"""Largest width x height of an image."""
MAX_BYTES_PER_PIXEL = 4
"""Decoded samples may take so many bytes for each of the pixels that are allowed: 1 GiB."""
MAX_TEXT = 2**25
"""Bytes that the compressed texts and profiles of a PNG file may unpack to."""
LARGEST = 2**30
"""Bytes of the largest image file that is read whole."""
HEAD = 32
"""Number of bytes that `form_of` looks at."""
_MAGIC = {
    "png": rb"\x89PNG\r\n\x1a\n",
    "jpeg": rb"\xff\xd8\xff",
    "webp": rb"RIFF....WEBP",
    "tiff": rb"II[*+]\0|MM\0[*+]",
    "gif": rb"GIF8[79]a",
    "heif": rb"....ftyp",
    "bmp": rb"BM",
}
_PILLOW = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "tiff": "TIFF", "bmp": "BMP"}
_COMPRESSED = {
    b"zTXt": rb"[^\0]*\0.",
    b"iTXt": rb"[^\0]*\0\x01.[^\0]*\0[^\0]*\0",
    b"iCCP": rb"[^\0]*\0.",
}
"""Chunks of a PNG file that hold compressed data, and what comes before it."""


def form_of(head: bytes) -> str | None:
    """Returns the format that a file's first bytes tell, such as ``png``; None for one that is not read here."""
    return next((form for form, magic in _MAGIC.items() if re.match(magic, head, re.S)), None)


def head_of(path: str | os.PathLike[str]) -> bytes:
    """Returns the first bytes of a file.

    Raises:
        OSError: The path is no regular file, or cannot be read.
    """
    with open_regular(path) as file:
        return file.read(HEAD)


def check_size(name: str, size: tuple[int, int], bytes_per_pixel: int, max_pixels: int = MAX_PIXELS) -> None:
    """Refuses an image that would take too much memory, before it is decoded.

    Args:
        name: Name of the file, for the message.
        size: Width and height in pixels.
        bytes_per_pixel: Bytes that the decoded samples of a pixel take.
        max_pixels: Largest width x height; `MAX_BYTES_PER_PIXEL` times as many bytes are allowed.

    Raises:
        ImageError: The image has more pixels or bytes.
    """
    pixels, most = size[0] * size[1], MAX_BYTES_PER_PIXEL * max_pixels
    expected, came = "", f"{size[0]}x{size[1]}"
    if pixels > max_pixels:
        expected = f"{max_pixels} pixels"
    elif pixels * bytes_per_pixel > most:
        expected, came = f"{most} bytes of samples", f"{came} pixels of {bytes_per_pixel} bytes"
    if expected:
        raise ImageError(f"{name}: expected at most {expected}, got {came}; cut or shrink it.", value=size)


def open_vips(source: Path | bytes, form: str, **options: Any) -> pyvips.Image:
    """Returns an image by libvips' decoder of one format; pixels are decoded later, when they are asked for.

    Args:
        source: Path, or content, of a file of this format.
        form: The format, as `form_of` tells it.
        options: Options of the decoder.

    Raises:
        ImageError: It is a PNG file whose compressed texts unpack to too much.
        pyvips.Error: The file cannot be decoded.
    """
    import pyvips

    if form == "png":
        check_text(source)
    # A new source for each call: libvips' cache could otherwise answer with a file's former content.
    if isinstance(source, bytes):
        opened = pyvips.Source.new_from_memory(source)
    else:
        opened = pyvips.Source.new_from_file(os.fsencode(source))
    image: pyvips.Image = pyvips.Operation.call(f"{form}load_source", opened, **options)
    return image


def open_pil(file: IO[bytes], *forms: str) -> PIL.Image.Image:
    """Returns an image by one of Pillow's decoders; pixels are decoded later, when they are asked for.

    Args:
        file: An open file.
        forms: Formats that are expected, as `form_of` tells them; all that are read here where there are none.

    Raises:
        ImageError: The file has another format, or too many pixels.
        OSError: The file cannot be decoded.
    """
    from PIL import Image

    start = file.tell()
    head = file.read(HEAD)
    file.seek(start)
    form = form_of(head)
    if form is None or form not in (forms or _PILLOW):
        expected = ", ".join(_PILLOW[each] for each in forms or _PILLOW)
        raise ImageError(f"expected {expected}, got a file that begins with {head[:8]!r}", value=head)
    picture = Image.open(file, formats=[_PILLOW[form]])
    check_size("the image", picture.size, 1)
    return picture


def check_text(source: Path | bytes) -> None:
    """Refuses a PNG file whose compressed texts and profiles unpack to more than `MAX_TEXT` bytes.

    Raises:
        ImageError: They do; nothing more of them is unpacked then.
    """
    import io

    from vaezoo.image.file.png import heads

    with io.BytesIO(source) if isinstance(source, bytes) else open_regular(source) as file:
        left = MAX_TEXT
        for kind, length in heads(file):
            end = file.tell() + length + 4
            if kind in _COMPRESSED:
                left -= _unpacked(file, length, _COMPRESSED[kind], left)
                if left < 0:
                    name = "the PNG file" if isinstance(source, bytes) else str(source)
                    raise ImageError(
                        f"{name}: expected texts and profiles of at most {MAX_TEXT} bytes, got more.",
                        hint="Open it in an editor and save it without them.", value=kind,
                    )  # fmt: skip
            file.seek(end)


def _unpacked(file: BinaryIO, length: int, before: bytes, most: int) -> int:
    """Returns how many bytes the compressed data of a chunk unpack to, or ``most`` + 1 where they are more."""
    first = file.read(min(length, 2**16))
    found = re.match(before, first, re.S)
    if found is None:
        return 0  # malformed, or not compressed
    piece, length = first[found.end() :], length - len(first)
    count, unpacker = 0, zlib.decompressobj()
    try:
        while piece and count <= most and not unpacker.eof:
            count += len(unpacker.decompress(piece, 2**16))
            piece = unpacker.unconsumed_tail
            if not piece:
                piece = file.read(min(length, 2**16))
                length -= len(piece)
    except zlib.error:
        pass  # the decoder says so
    return min(count, most + 1)
