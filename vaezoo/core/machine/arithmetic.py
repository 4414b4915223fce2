"""The precision of networks, and how the process allocates memory for them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch

from vaezoo.errors import ConfigError

PRECISIONS = ("fp32", "bf16")
CACHED_PIXELS = 2**20
"""Decoded pixels at once that a CPU's cache holds. The fastest of 2^17 to 2^22, measured on one thread."""
_LARGEST_MAPPING = 32 * 2**20
"""Size in bytes above which glibc always maps memory anew, and unmaps it when it is freed."""


def check_precision(precision: object) -> str:
    """Checks a precision and returns it.

    Raises:
        ConfigError: The precision is not in :data:`PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"Expected a precision of {' or '.join(PRECISIONS)}, got {precision!r}.", value=precision)
    return str(precision)


def arithmetic(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Returns the context manager of a precision: torch's autocast for ``bf16``, an empty one for ``fp32``."""
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, dtype=torch.bfloat16)


@lru_cache
def keep_freed_memory() -> None:
    """Lets the C library keep up to 64 MiB of freed memory for later use. Has an effect once per process.

    Without it, glibc returns the top of its heap to the kernel whenever twice its threshold is free. Then the
    intermediate values of a network cost page faults at every layer. glibc raises the threshold to the size of the
    largest mapping freed so far, so it is enough to free one, unused. With other C libraries it does nothing.

    Source: mallopt(3), M_MMAP_THRESHOLD, "dynamic".
    """
    torch.empty(_LARGEST_MAPPING - 2**20, dtype=torch.uint8)


def check_gradients(what: str) -> None:
    """Raises if torch cannot compute gradients at present.

    Raises:
        ConfigError: ``torch.inference_mode`` is on.
    """
    if torch.is_inference_mode_enabled():
        message = f"{what} needs gradients, but torch.inference_mode is on."
        raise ConfigError(message, hint="Use torch.no_grad instead.", value="inference_mode")
