"""Plain copies of what a hook or a program declares.

A value of a stranger's own class runs the stranger's code when it is printed, compared or measured. A plain value does
not, so listing the zoo depends on nobody's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaezoo.errors import ConfigError
from vaezoo.files.yaml import Lined

_DEEPEST = 40


def plain_text(value: Any, what: str) -> str:
    """Returns a text as exactly `str`.

    Raises:
        ConfigError: The value is not a text.
    """
    if not isinstance(value, str):
        raise ConfigError(f"Expected {what} as a text, got {type(value).__name__}.", value=value)
    return str.__str__(value)


def plain_name(value: Any) -> Any:
    """Returns a text as exactly `str`, and anything else, such as a class or a function, unchanged."""
    return str.__str__(value) if isinstance(value, str) else value


def plain_copy(value: Any, depth: int = 0) -> Any:
    """Returns a copy whose mappings, lists, texts and numbers are Python's own. Other values stay as they are.

    Raises:
        ConfigError: It is nested too deeply, or contains itself.
    """
    if depth > _DEEPEST:
        raise ConfigError(f"Expected at most {_DEEPEST} levels of nesting.", value=depth)
    if isinstance(value, Mapping):
        copy = Lined({plain_name(key): plain_copy(item, depth + 1) for key, item in value.items()})
        copy.lines = dict(value.lines) if isinstance(value, Lined) else {}
        return copy
    if isinstance(value, list | tuple):
        items = (plain_copy(item, depth + 1) for item in value)
        return list(items) if isinstance(value, list) else tuple(items)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__pos__(value)
    return float.__pos__(value) if isinstance(value, float) else plain_name(value)
