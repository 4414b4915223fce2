"""A value that somebody gives, as the type that a field declares, by the rules of OmegaConf. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import make_dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

from vaezoo.errors import ConfigError

_SCALARS = {bool, int, float, str, type(None)}


def typed(kind: Any, value: Any, what: str) -> Any:
    """Returns a value as its declared type, by the rules of OmegaConf. None stays None where the type allows it.

    Args:
        kind: Type hint.
        value: Value, as it was given.
        what: Name of the value, for the message.

    Raises:
        ConfigError: The value does not fit the type, or holds a number that is not finite.
    """
    if _finite(value) and (kind is Any or type(value) is kind):
        return value
    flat = tuple(value) if type(value) in (list, tuple) else value
    types = tuple(map(type, flat)) if type(flat) is tuple else (type(flat),)
    if _SCALARS.issuperset(types):
        with suppress(ConfigError):  # the caller's error is to show the value as it came
            return _typed_before(kind, flat, types)
    return _typed_anew(kind, value, what)


@lru_cache(maxsize=4096)
def _typed_before(kind: Any, value: Any, types: tuple[type, ...]) -> Any:
    """Caches :func:`_typed_anew`, which is slower than making a small network. ``types`` is in the key as 1 == True."""
    return _typed_anew(kind, value, "")


def _typed_anew(kind: Any, value: Any, what: str) -> Any:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if "${" in str(value):
        message = f"{what}: expected plain values, got {value!r}."
        raise ConfigError(message, hint="Nothing is filled in for ${…}: write the value.", value=value)
    schema = make_dataclass("Parameter", [("value", kind | None)])
    try:
        made = OmegaConf.to_container(OmegaConf.structured(schema(value=value)), resolve=True)["value"]  # type: ignore[index, call-overload]
    except (OmegaConfBaseException, ValueError, TypeError) as error:
        made = error
    if not (_finite(value) and _finite(made)):  # "nan" is a text until it is typed
        raise ConfigError(f"{what}: expected a finite number, got {value!r}.", value=value)
    optional = type(None) in getattr(kind, "__args__", ())
    if isinstance(made, Exception) or (made is None and not optional):
        shown = (
            getattr(kind, "__name__", None) if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)
        )
        raise ConfigError(f"{what}: expected {shown}, got {value!r}.", value=value)
    return tuple(made) if isinstance(made, list) else made


def _finite(value: Any) -> bool:
    """Says whether no number in a value is NaN or infinite."""
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return not isinstance(value, float) or isfinite(value)
