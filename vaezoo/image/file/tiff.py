"""EXIF in TIFF files, which libvips neither reads nor writes. libvips handles the pixels and all other tags.

An EXIF block is a small TIFF file itself, so both are directories of tags. They are copied byte by byte, apart from the
byte order. Maker notes are copied unchanged, as all editors do.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import IO, Union

Directory = dict[int, Union[tuple[int, int, bytes], "Directory"]]
"""Maps a tag to type, count and little-endian data, or to a subdirectory."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Size in bytes of one value of each type."""
_WORDS = _SIZES | {5: 4, 10: 4}
"""Size in bytes of the units whose byte order is reversed. A rational consists of two."""
_EXIF, _GPS, _INTEROP = 34665, 34853, 40965
_KEPT = frozenset(
    {269, 270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096), _EXIF, _GPS}
)  # name and description, maker, model, software, date, artist, host, ratings, copyright, Windows' own texts
_SIDES = {40962: 256, 40963: 257}
"""EXIF tags of width and height, with the TIFF tags that have the right values for the present pixels."""


def read_exif(path: Path) -> bytes | None:
    """Returns the EXIF block of a TIFF file: its tags about the camera, the place and the author.

    Raises:
        ValueError: The directory is malformed.
    """
    try:
        with path.open("rb") as file:
            found = _first_directory(file, _KEPT)
    except (struct.error, OverflowError, OSError) as error:
        raise ValueError(str(error)) from error
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + _packed(found, 8, "<") if found else None


def with_exif(tiff: bytes, exif: bytes) -> bytes:
    """Adds an EXIF block's tags to a TIFF file of one page. Existing tags stay.

    Raises:
        ValueError: The block is malformed.
    """
    try:
        added = _first_directory(io.BytesIO(exif[6:] if exif.startswith(b"Exif\0\0") else exif), _KEPT)
        own = _first_directory(io.BytesIO(tiff))
    except (struct.error, OverflowError) as error:
        raise ValueError(str(error)) from error
    camera = added.get(_EXIF)
    if isinstance(camera, dict):
        camera.update({tag: own[side] for tag, side in _SIDES.items() if tag in camera})
    order = "<" if tiff.startswith(b"II") else ">"
    tiff += b"\0" * (len(tiff) % 2)
    return tiff[:4] + struct.pack(f"{order}I", len(tiff)) + tiff[8:] + _packed({**added, **own}, len(tiff), order)


def _first_directory(file: IO[bytes], wanted: frozenset[int] | None = None) -> Directory:
    """Returns the first directory of a TIFF or BigTIFF file. ``wanted`` selects tags; None means all, unchanged."""
    start = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    if order is None:
        raise ValueError(f"it starts with {start[:4]!r}")
    big = struct.unpack_from(f"{order}H", start, 2)[0] == 43
    (at,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", start, 8 if big else 4)
    return _directory(file, order, big, at, wanted, () if wanted is None else (_EXIF, _GPS))


def _directory(
    file: IO[bytes], order: str, big: bool, at: int, wanted: frozenset[int] | None, inner: tuple[int, ...]
) -> Directory:
    """Returns a directory, with the subdirectories that its tags ``inner`` point to."""
    count, entry, offset = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    file.seek(at)
    (entries,) = struct.unpack(f"{order}{count}", file.read(struct.calcsize(f"<{count}")))
    table = file.read(min(entries, 2**16) * struct.calcsize(f"<{entry}"))
    found: Directory = {}
    for tag, kind, values, inside in struct.iter_unpack(f"{order}{entry}", table):
        if (wanted is not None and tag not in wanted) or kind not in _SIZES:
            continue
        size = values * _SIZES[kind]
        data = inside[:size]
        if size > len(inside):
            file.seek(struct.unpack(f"{order}{offset}", inside)[0])
            data = file.read(size) if size < 2**31 else b""
        if len(data) != size:
            raise ValueError(f"tag {tag} is cut short")
        data = data if order == "<" else _turned(kind, data)
        found[tag] = (kind, values, data)
        if tag in inner:
            place = int.from_bytes(data, "little")
            found[tag] = _directory(file, order, big, place, None, (_INTEROP,) if tag == _EXIF else ())
    return found


def _packed(directory: Directory, at: int, order: str) -> bytes:
    """Returns the bytes of a directory at an offset, followed by its data and subdirectories."""
    entries, behind = b"", b""
    after = at + 2 + 12 * len(directory) + 4
    for tag, value in sorted(directory.items()):
        place = after + len(behind)
        if isinstance(value, dict):
            kind, count, data = 4, 1, struct.pack(f"{order}I", place)
            behind += _packed(value, place, order)
        else:
            kind, count, data = value
            data = data if order == "<" else _turned(kind, data)
            if len(data) > 4:
                behind += data + b"\0" * (len(data) % 2)
                data = struct.pack(f"{order}I", place)
        entries += struct.pack(f"{order}HHI", tag, kind, count) + data.ljust(4, b"\0")
    return struct.pack(f"{order}H", len(directory)) + entries + bytes(4) + behind


def _turned(kind: int, data: bytes) -> bytes:
    """Reverses the byte order of values."""
    word = _WORDS[kind]
    return b"".join(data[i : i + word][::-1] for i in range(0, len(data), word)) if word > 1 else data
