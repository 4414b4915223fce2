"""Lookup of kinds of belief and likelihood for the core, and the check that files name no code to import."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from vaezoo.errors import ConfigError, UnknownName, suggest
from vaezoo.host.kinds import names_of, safely
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.lookup import HINT, values_of
from vaezoo.registry.entries import HOUSE, Source

_REFERENCE = re.compile(r"\s*(?P<target>(?P<module>[^\s:(]+):[^\s(]*)\s*(\(.*)?", re.S)
"""References as `vaezoo.core.choice.parse_choice` reads them. ``my-module:x`` and ``2d:x`` can be imported too."""
_DOTTED = re.compile(r"[^\W\d][\w-]*(\.[\w-]+)+")
_TRUSTED: ContextVar[bool] = ContextVar("trusted", default=False)
GROUP = "vaezoo.beliefs"
"""Group of the entry points that declared beliefs before registry files did."""


def find_belief(name: str, zoo: Zoo | None = None) -> Callable[..., Any]:
    """Returns the function of a kind of belief. It is guarded: a fault in it ends neither the process nor the zoo.

    Args:
        name: Declared name, or ``plugin/name``.
        zoo: Zoo to look in. None means the zoo of this process.

    Raises:
        ConfigError: The name is unknown.
        VaezooError: As for `vaezoo.host.kinds.find`.
    """
    zoo = zoo or current_zoo()
    try:
        return safely("belief", name, zoo)
    except UnknownName as error:
        if points := _entry_points(name, zoo):
            for point in points:
                zoo.registry.add("belief", name, point.value, "", Source(_owner(point)))
            owners = " and ".join(_owner(point) for point in points)
            message = f"vaezoo: the belief {name!r} of {owners} should be declared in a registry file, under beliefs"
            warnings.warn(f"{message}, instead of by the entry points {GROUP}", DeprecationWarning, stacklevel=2)
            return safely("belief", name, zoo)
        known = names_of("belief", zoo)
        raise ConfigError(
            f"Expected belief to be one of {', '.join(known)}, got {name!r}.", hint=suggest(name, known), value=name
        ) from error


def find_likelihood(name: str, zoo: Zoo | None = None) -> Any:
    """Returns a kind of likelihood, as a class or as ``package.module:Class``. Imports nothing.

    Raises:
        ConfigError: The name is unknown.
        DuplicateName: Two plugins have the name.
    """
    zoo = zoo or current_zoo()
    try:
        return zoo.registry.kinds["likelihood"].get(name).target
    except UnknownName as error:
        known = names_of("likelihood", zoo)
        raise ConfigError(f"Expected a likelihood, got {name!r}.", hint=suggest(name, known), value=name) from error


@contextmanager
def trusting_code() -> Iterator[None]:
    """Context manager in which folders, recipes and settings may name code to import. Their authors can run code."""
    token = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


@contextmanager
def values_from(where: str, zoo: Zoo | None = None) -> Iterator[None]:
    """Context manager in which a reference to code is imported only if a plugin declares it.

    Inside `trusting_code`, all references are.

    Args:
        where: File that the values come from, for error messages.
        zoo: Zoo to look up declarations in. None means the zoo of this process.
    """
    with nullcontext() if _TRUSTED.get() else values_of(where, _targets(zoo or current_zoo())):
        yield


def refuse_references(values: Any, where: str, key: str = "", zoo: Zoo | None = None) -> None:
    """Raises if settings name code to import, since their author could run any code by it.

    Targets that a plugin declares for a belief or a likelihood are allowed, since they can be imported by name anyway.
    So is everything inside `trusting_code`.

    Args:
        values: Plain values: texts, and lists and mappings of them.
        where: Where the settings are from, for error messages.
        key: Name of the setting, for error messages.
        zoo: Zoo to look up declarations in. None means the zoo of this process.

    Raises:
        ConfigError: A value is ``package.module:name``, with or without options.
    """
    if _TRUSTED.get():
        return
    if isinstance(values, Mapping):
        for name, value in values.items():
            refuse_references(value, where, str(name), zoo)
    elif isinstance(values, list | tuple):
        for value in values:
            refuse_references(value, where, key, zoo)
    elif isinstance(values, str) and (found := _REFERENCE.match(values)):
        imported = key.rpartition(".")[2] in ("belief", "likelihood") or _DOTTED.fullmatch(found["module"])
        if imported and found["target"] not in _targets(zoo or current_zoo()):
            raise ConfigError(
                f"{where} asks for {key or 'a setting'} {values!r}, which would import {found['module']} and run it.",
                hint=HINT,
                value=values,
            )


def _targets(zoo: Zoo) -> set[Any]:
    kinds = (zoo.registry.kinds[kind] for kind in ("belief", "likelihood"))
    return {entry.target for shelf in kinds for _, _, entry in shelf.all() if isinstance(entry.target, str)}


def _entry_points(name: str, zoo: Zoo) -> list[EntryPoint]:
    """Returns the entry points of a name, one for each value, except those of distributions that are not loaded."""
    found = {point.value: point for point in entry_points(group=GROUP) if point.name == name}
    return [point for point in found.values() if _is_in(point, zoo)]


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'unknown'}:{point.name}"


def _is_in(point: EntryPoint, zoo: Zoo) -> bool:
    """Says whether an entry point counts. Its distribution must have a loaded plugin, or none and not be disabled."""
    owner = _owner(point)
    distribution = owner.partition(":")[0]
    if distribution == HOUSE:  # vaezoo declares its beliefs in registry files, so this plugin is not there
        return False
    plugins = [plugin for plugin in zoo.plugins if plugin.name.partition(":")[0] == distribution]
    names = {owner, point.name}
    if plugins:
        return any(plugin.status == "ok" for plugin in plugins) and not zoo.disabled & names
    return not zoo.disabled & names and (zoo.only is None or bool(zoo.only & names))
