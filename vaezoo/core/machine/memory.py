"""Errors that mean that memory does not suffice."""

from __future__ import annotations

import torch

from vaezoo.errors import words_of

_SAID = (
    "can't allocate memory",  # torch on the host
    "not enough memory",  # torch on Windows
    "could not create a primitive",  # oneDNN, for a convolution
    "size calculation overflowed",  # torch, for a size that no memory has
    "multiplication overflow",
    "overflow when unpacking long",
)
"""Parts of what is said in an error of another class."""


def is_out_of_memory(error: BaseException) -> bool:
    """Says whether an error means that memory does not suffice, on the host or a device."""
    said = words_of(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(part in said for part in _SAID)
