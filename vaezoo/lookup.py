"""Lookup of declared names for the core, and the rule when a name may be code to import.

The core cannot import `vaezoo.host`, which is a higher layer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

FINDERS: dict[str, Callable[[str], Any]] = {}
"""Functions by kind, such as ``belief``: each finds what is declared under a name. ``import vaezoo`` fills it."""
_READING: ContextVar[tuple[str, Collection[Any]] | None] = ContextVar("reading", default=None)
"""Name of the file whose values are in use, and the references it may name; None for values from Python code."""
HINT = "If you trust its author: --trust-code, or trust_code=True in Python. Or register it under a name."


@contextmanager
def values_of(where: str, declared: Collection[Any]) -> Iterator[None]:
    """Context manager in which ``package.module:name`` is imported only if a plugin declares it.

    Args:
        where: File that the values come from, for error messages.
        declared: References that plugins declare.
    """
    token = _READING.set((where, declared))
    try:
        yield
    finally:
        _READING.reset(token)


def check_reference(reference: str) -> None:
    """Raises if a file that is not code asks to import a reference.

    Raises:
        ConfigError: No plugin declares the reference; see `values_of`.
    """
    from vaezoo.errors import ConfigError  # imported late: it would take a tenth of the time of ``import vaezoo``

    reading = _READING.get()
    if reading and reference not in reading[1]:
        raise ConfigError(f"{reading[0]} asks for {reference!r}, which would be imported.", hint=HINT, value=reference)
