"""How the core finds by name what plugins declare, and when a name may be code to import.

`vaezoo.host`, which is above the core, is asked when there is need.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from vaezoo.errors import ConfigError

FINDERS: dict[str, Callable[[str], Any]] = {}
"""By kind, such as ``belief``: from a name to what was declared under it. `vaezoo` fills this when it is imported."""
_READING: ContextVar[tuple[str, Collection[Any]] | None] = ContextVar("reading", default=None)
"""The file whose values are in use, and the references that it may name; None for values of Python code."""
HINT = "If you trust whoever wrote it: --trust-code, or trust_code=True in Python. Or register it under a name."


@contextmanager
def values_of(where: str, declared: Collection[Any]) -> Iterator[None]:
    """Lets no reference ``package.module:name`` be imported inside, but those that plugins declare.

    Args:
        where: The file that the values in use come from, for the message.
        declared: The references that plugins declare.
    """
    token = _READING.set((where, declared))
    try:
        yield
    finally:
        _READING.reset(token)


def check_reference(reference: str) -> None:
    """Refuses a reference that is about to be imported, where a file that is no code asks for it.

    Raises:
        ConfigError: See `values_of`.
    """
    reading = _READING.get()
    if reading and reference not in reading[1]:
        raise ConfigError(f"{reading[0]} asks for {reference!r}, which would be imported.", hint=HINT, value=reference)
