"""Objects named as text, ``package.module:name``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from vaezoo.errors import BackendUnavailable, words_of


def load_object(target: str | Callable[..., Any] | Mapping[str, Any], what: str) -> Any:
    """Imports the object that ``"package.module:name"`` names.

    Raises:
        BackendUnavailable: The object cannot be imported. The message has the cause.
    """
    if not isinstance(target, str):
        return target
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        raise BackendUnavailable(
            f"{what} needs {target}, which fails with {type(error).__name__}: {words_of(error)}", value=target
        ) from error
