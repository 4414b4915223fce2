"""Reading the header of a safetensors file, and writing it in a fixed order."""

from __future__ import annotations

import json
from typing import Any


def read_header(content: bytes) -> tuple[dict[str, Any], int]:
    """Returns the header of a safetensors file, and the position of the tensors.

    Raises:
        ValueError: The bytes do not begin with a header.
    """
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    if not isinstance(header, dict) or not 8 < begin <= len(content):
        raise ValueError("no header of a safetensors file")
    return header, begin


def canonical(content: bytes) -> bytes:
    """Returns a safetensors file with its metadata in alphabetical order.

    The safetensors library writes them in an order that differs from one call to the next.
    """
    header, begin = read_header(content)
    if "__metadata__" not in header:
        return content
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + content[begin:]
