"""A part's parameters: their types, defaults and help, and whether the part is built from the same ones. No torch."""

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
        kind: Its type.
        default: Its default, or `dataclasses.MISSING`.
        help: What it is, in a phrase without markup; empty where nobody says.
    """

    kind: Any
    default: Any
    help: str = ""


def parameters_of(part: Part) -> dict[str, Parameter]:
    """Returns a part's parameters by name: the fields of its configuration, or what its facts function takes.

    Raises:
        BackendUnavailable: The configuration or the facts cannot be imported.
        ConfigError: The configuration is no frozen dataclass with a method ``facts``.
    """
    said = said_of(part)
    return _of_config(said) if isinstance(said, type) else _of_function(said)


def said_of(part: Part) -> Any:
    """Returns the class of a part's configuration, or its facts function.

    Raises:
        BackendUnavailable: It cannot be imported.
        ConfigError: The configuration is no frozen dataclass with a method ``facts``, or nobody says which it is.
    """
    what = f"The {part.slot} {part.name!r}"
    if part.facts is not None:
        return load_object(part.facts, what)
    config = load_object(part.config, what) if part.config is not None else config_of(load_object(part.target, what))
    check_config(config, what)
    return config


def check_config(config: Any, what: str) -> None:
    """Refuses what is no frozen dataclass with a method ``facts``.

    Raises:
        ConfigError: ``config`` is something else.
    """
    frozen = isinstance(config, type) and is_dataclass(config) and config.__dataclass_params__.frozen  # type: ignore[attr-defined]
    if not (frozen and callable(getattr(config, "facts", None))):
        raise ConfigError(
            f"{what}: expected its config as a dataclass with frozen=True and a method facts, got {config!r}.",
            hint="Name it under config, or annotate the constructor's only parameter with it.",
            value=config,
        )


@lru_cache(maxsize=1024)
def _of_config(config: Any) -> dict[str, Parameter]:
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
    """Returns the configuration that a class, or a function that makes a part, says it is built from; None for none."""
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
    """Refuses a part that is not built from what is registered with it.

    Args:
        target: The class, or the function that makes the part.
        said: Its configuration, or its facts function.
        what: The part, for the message.

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
    except ValueError:  # built in, or in another language
        return
    names = [name for name in {**mine, **theirs} if name not in mine or name not in theirs]
    names += [name for name in mine if name in theirs and mine[name] != theirs[name]]
    if names:
        raise PartMismatch(
            f"{what}: {target.__qualname__} and its facts differ in parameters or defaults: {', '.join(names)}.",
            hint="Build it from one configuration, as docs/add-a-model.md shows.",
            value=names,
        )
