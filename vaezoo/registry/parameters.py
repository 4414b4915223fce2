"""A part's parameters with types, defaults and help, and the check that the part is built from them. No torch."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, get_type_hints

from vaezoo.errors import ConfigError, PartMismatch
from vaezoo.files.schema import attributes_of
from vaezoo.registry.entries import Part
from vaezoo.registry.target import load_object

_MARKUP = re.compile(r"(?::\w+:)?`+([^`]+)`+")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a part.

    Attributes:
        kind: Type.
        default: Default, or `dataclasses.MISSING`.
        help: Description, without markup; empty if there is none.
    """

    kind: Any
    default: Any
    help: str = ""


def parameters_of(part: Part) -> dict[str, Parameter]:
    """Returns a part's parameters by name: the fields of its configuration, or the arguments of its facts function.

    Raises:
        BackendUnavailable: The configuration or the facts cannot be imported.
        ConfigError: The configuration is not a frozen dataclass with a method ``facts``.
    """
    said = said_of(part)
    return fields_of(said) if isinstance(said, type) else _of_function(said)


def said_of(part: Part) -> Any:
    """Returns the class of a part's configuration, or its facts function.

    Raises:
        BackendUnavailable: The configuration or the facts function cannot be imported.
        ConfigError: The configuration is not a frozen dataclass with a method ``facts``, or none is named.
    """
    what = f"The {part.slot} {part.name!r}"
    if part.facts is not None:
        return load_object(part.facts, what)
    config = load_object(part.config, what) if part.config is not None else config_of(load_object(part.target, what))
    check_config(config, what)
    return config


def check_config(config: Any, what: str) -> None:
    """Raises if a configuration is not a frozen dataclass with a method ``facts``.

    Raises:
        ConfigError: ``config`` is something else.
    """
    if not (is_frozen(config) and callable(getattr(config, "facts", None))):
        raise ConfigError(
            f"{what}: expected its config as a dataclass with frozen=True and a method facts, got {config!r}.",
            hint="Name it under config, or annotate the constructor's only parameter with it.",
            value=config,
        )


def check_frozen(config: Any, what: str) -> None:
    """Raises if a configuration is not a frozen dataclass.

    Raises:
        ConfigError: ``config`` is something else.
    """
    if not is_frozen(config):
        message = f"{what}: expected its config as a dataclass with frozen=True, got {config!r}."
        raise ConfigError(message, value=config)


def is_frozen(config: Any) -> bool:
    """Says whether something is the class of a frozen dataclass."""
    return isinstance(config, type) and is_dataclass(config) and config.__dataclass_params__.frozen  # type: ignore[attr-defined,no-any-return]


@lru_cache(maxsize=1024)
def fields_of(config: Any) -> dict[str, Parameter]:
    """Returns the fields of a configuration as parameters, by name."""
    hints, told = get_type_hints(config), attributes_of(config)
    found = {}
    for each in fields(config):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if each.init:
            found[each.name] = Parameter(hints[each.name], default, _MARKUP.sub(r"\1", told.get(each.name, "")))
    return found


@lru_cache(maxsize=1024)
def _of_function(facts: Callable[..., Any]) -> dict[str, Parameter]:
    hints = get_type_hints(facts)
    return {
        name: Parameter(hints.get(name, Any), MISSING if p.default is p.empty else p.default)
        for name, p in inspect.signature(facts).parameters.items()
    }


def config_of(target: Any) -> Any:
    """Returns the configuration that the annotation of a class or a function names; None if it names none."""
    build = inspect.getattr_static(target, "__init__") if isinstance(target, type) else target
    if (said := getattr(build, "config", None)) is not None:
        return said
    own = list(inspect.signature(target).parameters.values())
    if len(own) != 1:
        return None
    hint = get_type_hints(build).get(own[0].name)
    return hint if isinstance(hint, type) and is_dataclass(hint) else None


@lru_cache(maxsize=1024)
def check_pair(target: Callable[..., Any], said: Callable[..., Any], what: str) -> None:
    """Checks that a part is built from what is registered with it.

    Args:
        target: Class of the part, or function that makes it.
        said: Configuration or facts function of the part.
        what: Name of the part, for error messages.

    Raises:
        PartMismatch: The part is built from another configuration, or its parameters or their defaults differ from
            those of the facts function.
    """
    if isinstance(said, type) and is_dataclass(said):
        built = config_of(target)
        if built is not None and not issubclass(said, built):
            raise PartMismatch(
                f"{what} is built from {built.__qualname__}, but registered with {said.__qualname__}.", value=said
            )
        return
    try:
        mine, theirs = (
            {p.name: p.default for p in inspect.signature(called).parameters.values()} for called in (target, said)
        )
    except ValueError:  # built-in, or in another language
        return
    names = [name for name in {**mine, **theirs} if name not in mine or name not in theirs]
    names += [name for name in mine if name in theirs and mine[name] != theirs[name]]
    if names:
        raise PartMismatch(
            f"{what}: {target.__qualname__} and its facts differ in parameters or defaults: {', '.join(names)}.",
            hint="Build it from one configuration, as docs/add-a-model.md shows.",
            value=names,
        )
