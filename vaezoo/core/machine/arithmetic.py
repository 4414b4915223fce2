"""The precision that networks compute in, and the memory that they compute with."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch

from vaezoo.errors import ConfigError

PRECISIONS = ("fp32", "bf16")
CACHED_PIXELS = 2**20
"""Decoded pixels at once that a CPU's cache holds: of one thread's chunks from 2^17 to 2^22 the quickest."""
_LARGEST_MAPPING = 32 * 2**20
"""Bytes above which glibc always asks the kernel for memory, and gives it back when it is freed."""


def check_precision(precision: object) -> str:
    """Returns ``precision``.

    Raises:
        ConfigError: It is none of :data:`PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"Expected a precision of {' or '.join(PRECISIONS)}, got {precision!r}.", value=precision)
    return str(precision)


def arithmetic(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Returns the context of a precision: torch's autocast for ``bf16``, an empty one for ``fp32``."""
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, dtype=torch.bfloat16)


@lru_cache
def keep_freed_memory() -> None:
    """Lets the C library keep memory that is freed, up to 64 MiB, for what asks next; once in a process.

    glibc gives the top of its heap back to the kernel as soon as twice its threshold is free there, and a network's
    intermediate values are then paid for page by page at every layer. It raises that threshold by itself to the size
    of the largest mapping freed so far, so freeing one, which nobody wrote to, is enough. Elsewhere it does nothing.

    Source: mallopt(3), M_MMAP_THRESHOLD, "dynamic".
    """
    torch.empty(_LARGEST_MAPPING - 2**20, dtype=torch.uint8)


def check_gradients(what: str) -> None:
    """Refuses to work where torch can make no gradients at all.

    Raises:
        ConfigError: ``torch.inference_mode`` is on.
    """
    if torch.is_inference_mode_enabled():
        message = f"{what} follows gradients, and torch.inference_mode leaves none."
        raise ConfigError(message, hint="Use torch.no_grad instead.", value="inference_mode")
