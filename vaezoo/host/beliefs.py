"""Kinds of belief and of likelihood, as the core asks for them by name; and what files may not name."""

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
"""As `vaezoo.core.choice.parse_choice` and the import system take it: ``my-module:x`` and ``2d:x`` are imported too."""
_DOTTED = re.compile(r"[^\W\d][\w-]*(\.[\w-]+)+")
_TRUSTED: ContextVar[bool] = ContextVar("trusted", default=False)
GROUP = "vaezoo.beliefs"
"""Entry points that declared beliefs before registry files did."""


def find_belief(name: str, zoo: Zoo | None = None) -> Callable[..., Any]:
    """Returns the function of a kind of belief; whatever it does when it is called ends neither process nor zoo.

    Args:
        name: As declared, or ``plugin/name``.
        zoo: Where to look; None for the zoo of this process.

    Raises:
        ConfigError: Nothing has this name.
        VaezooError: As `vaezoo.host.kinds.find`.
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
    """Returns a kind of likelihood, as ``package.module:Class`` or the class itself; nothing is imported.

    Raises:
        ConfigError: Nothing has this name.
        DuplicateName: Two plugins have it.
    """
    zoo = zoo or current_zoo()
    try:
        return zoo.registry.kinds["likelihood"].get(name).target
    except UnknownName as error:
        known = names_of("likelihood", zoo)
        raise ConfigError(f"Expected a likelihood, got {name!r}.", hint=suggest(name, known), value=name) from error


@contextmanager
def trusting_code() -> Iterator[None]:
    """Lets folders, recipes and settings inside name code to import: whoever wrote them then decides what runs."""
    token = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


@contextmanager
def values_from(where: str, zoo: Zoo | None = None) -> Iterator[None]:
    """Lets no reference to code be imported inside, but those that plugins declare or `trusting_code` allows.

    Args:
        where: The file that the values in use come from, for the message.
        zoo: Where to look for what is declared; None for the zoo of this process.
    """
    with nullcontext() if _TRUSTED.get() else values_of(where, _targets(zoo or current_zoo())):
        yield


def refuse_references(values: Any, where: str, key: str = "", zoo: Zoo | None = None) -> None:
    """Refuses settings that name something to import, since whoever wrote the file or line would run code by it.

    What a plugin declares as the target of a belief or likelihood is let pass: it would be imported by its name too.
    So is everything inside `trusting_code`.

    Args:
        values: Plain values: texts, and lists and mappings of them.
        where: Who says so, for the message.
        key: Under which setting, for the message.
        zoo: Where to look; None for the zoo of this process.

    Raises:
        ConfigError: One is ``package.module:name``, with or without options.
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
    """Returns the entry points of a name, one for each value, without those of a distribution that is not let in."""
    found = {point.value: point for point in entry_points(group=GROUP) if point.name == name}
    return [point for point in found.values() if _is_in(point, zoo)]


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'unknown'}:{point.name}"


def _is_in(point: EntryPoint, zoo: Zoo) -> bool:
    """Says whether an entry point counts: its distribution has a plugin that is in, or none and is not disabled."""
    owner = _owner(point)
    distribution = owner.partition(":")[0]
    if distribution == HOUSE:  # its beliefs are declared in registry files, so this one's plugin is not there
        return False
    plugins = [plugin for plugin in zoo.plugins if plugin.name.partition(":")[0] == distribution]
    names = {owner, point.name}
    if plugins:
        return any(plugin.status == "ok" for plugin in plugins) and not zoo.disabled & names
    return not zoo.disabled & names and (zoo.only is None or bool(zoo.only & names))
