"""Configurations of things that a recipe chooses by name, with settings beside the name. No torch."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import MISSING
from types import SimpleNamespace
from typing import Any, get_type_hints

from vaezoo.errors import ConfigError, PartMismatch, suggest
from vaezoo.registry.parameters import fields_of, is_frozen
from vaezoo.registry.typed import typed


def choice_of(kind: str, said: Any) -> tuple[str, dict[str, Any]]:
    """Returns the name and the settings of a choice.

    Args:
        kind: Kind, such as ``damage``, for error messages.
        said: Name, or mapping with ``name`` and settings.

    Raises:
        ConfigError: ``said`` is neither a name nor such a mapping.
    """
    settings = dict(said) if isinstance(said, Mapping) else {"name": said}
    name = settings.pop("name", None)
    if not isinstance(name, str):
        message = f"Expected the {kind} as a name, or as a mapping with name and settings, got {said!r}."
        raise ConfigError(message, value=said)
    return str(name), settings


def annotated_config(target: Any, what: str) -> Any:
    """Returns the frozen dataclass that annotates ``config``, or None.

    Args:
        target: Function with a parameter ``config``, or class with such a field or constructor parameter.
        what: Name of the thing, for the message.

    Raises:
        ConfigError: The annotation cannot be read.
    """
    owners = target.__mro__ if isinstance(target, type) else (inspect.unwrap(target),)
    for owner in owners:
        for place in (owner, vars(owner).get("__init__") if isinstance(owner, type) else None):
            if callable(place) and (hint := inspect.get_annotations(place).get("config")) is not None:
                return _read(hint, owner.__module__, what)
    return None


def _read(hint: Any, module: str, what: str) -> Any:
    known = getattr(sys.modules.get(module), "__dict__", {})
    try:
        said = get_type_hints(SimpleNamespace(__annotations__={"config": hint}), known)["config"]
    except NameError as error:
        message = f"{what}: the annotation of its config cannot be read: {error}."
        raise ConfigError(message, hint="Declare the class beside it, as config.", value=hint) from error
    return said if is_frozen(said) else None


def filled(config: Any, settings: Mapping[str, Any], what: str) -> Any:
    """Makes a configuration of settings, converted to the types of its fields.

    Args:
        config: Class of the configuration; None if there is none.
        settings: Values by name. Others keep their defaults.
        what: Name of the thing, for the message.

    Raises:
        ConfigError: A setting is unknown, of the wrong type or missing, or the configuration refuses its value.
    """
    if config is None:
        if settings:
            message = f"{what} has no settings, got {', '.join(settings)}."
            hint = "Its author can annotate config with a dataclass with frozen=True."
            raise ConfigError(message, hint=hint, value=dict(settings))
        return None
    known = fields_of(config)
    for key in settings:
        if key not in known:
            raise ConfigError(f"{what} has no setting {key!r}.", hint=suggest(str(key), known), value=key)
    if missing := [key for key, each in known.items() if each.default is MISSING and key not in settings]:
        raise ConfigError(f"{what} needs {missing[0]!r}.", hint=f"Set {missing[0]} beside its name.", value=missing)
    return config(**{key: typed(known[key].kind, value, f"{what}, {key}") for key, value in settings.items()})


def check_takes(target: Any, config: Any, what: str) -> None:
    """Raises if something is declared with a configuration but does not take one.

    Raises:
        PartMismatch: The target has no parameter ``config``.
    """
    parameters = inspect.signature(target).parameters
    if "config" not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        message = f"{what} is declared with the config {config.__qualname__}, but takes no parameter config."
        raise PartMismatch(message, value=config)
