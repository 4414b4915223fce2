"""Chunks of PNG files that libvips neither reads nor writes: colour information and texts.

Source: Portable Network Graphics (PNG) Specification, third edition (W3C, 2025), section 11.3.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI")
"""Chunks that define the colours if there is no ICC profile."""
WORDS = (b"tEXt", b"zTXt", b"iTXt")
_KEPT_APART = (b"XML:com.adobe.xmp", b"Raw profile type ")
"""Text chunks with XMP, and former ways to store EXIF or a profile."""
_LARGEST = 2**20
_SRGB_GAMMA = 45455


def read_chunks(path: Path) -> tuple[bytes, ...]:
    """Returns whole chunks of a PNG file, in order: colour information, and texts of up to 1 MiB each."""
    found = []
    with path.open("rb") as file:
        for kind, length in heads(file):
            if kind in (*COLOURS, *WORDS) and length <= _LARGEST:
                body = file.read(length + 4)
                whole = zlib.crc32(kind + body[:-4]) == int.from_bytes(body[-4:], "big")
                if len(body) == length + 4 and whole and not body.startswith(_KEPT_APART):
                    found.append(struct.pack(">I", length) + kind + body)
            else:
                file.seek(length + 4, os.SEEK_CUR)
    return tuple(found)


def is_animated(path: Path) -> bool:
    """Says whether an animation chunk (acTL) precedes the pixels of a PNG file."""
    with path.open("rb") as file:
        for kind, length in heads(file):
            if kind == b"IDAT":
                return False
            if kind == b"acTL":
                return True
            file.seek(length + 4, os.SEEK_CUR)
    return False


def with_chunks(png: bytes, chunks: Sequence[bytes], *, profile: bool) -> bytes:
    """Inserts chunks after the header of a PNG file.

    Args:
        png: Bytes of the PNG file.
        chunks: Whole chunks, from `read_chunks`.
        profile: Whether the file has an ICC profile, which excludes an sRGB chunk.
    """
    kept = [chunk for chunk in chunks if not (profile and chunk[4:8] == b"sRGB")]
    end = len(SIGNATURE) + 12 + int.from_bytes(png[8:12], "big")  # the end of IHDR
    return png[:end] + b"".join(kept) + png[end:]


def other_colours(chunks: Sequence[bytes]) -> list[str]:
    """Returns the names of chunks that define colours other than sRGB, which readers without them assume."""
    kinds = {chunk[4:8]: chunk[8:-4] for chunk in chunks}
    gamma = int.from_bytes(kinds.get(b"gAMA", b""), "big") or _SRGB_GAMMA
    told = ["gAMA"] if abs(gamma - _SRGB_GAMMA) > _SRGB_GAMMA // 100 and b"sRGB" not in kinds else []
    return told + (["cICP"] if kinds.get(b"cICP", b"\1\r")[:2] != b"\1\r" else [])


def heads(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yields the kind and length of each chunk. The caller must skip its body and checksum."""
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        yield head[4:], int.from_bytes(head[:4], "big")
