"""Kinds of belief, as the core asks for them: by name, each under the guard."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from vaezoo.errors import ConfigError, UnknownName, suggest
from vaezoo.host.keeper import Keeper, keeper
from vaezoo.host.kinds import names_of, safely
from vaezoo.registry.shelf import HOUSE, Source

GROUP = "vaezoo.beliefs"
"""Entry points that declared beliefs before registry files did."""


def find_belief(name: str, zoo: Keeper | None = None) -> Callable[..., Any]:
    """Returns the function of a kind of belief; whatever it does when it is called ends neither process nor zoo.

    Args:
        name: As declared, or ``plugin/name``.
        zoo: Where to look; None for the zoo of this process.

    Raises:
        ConfigError: Nothing has this name.
        VaezooError: As `vaezoo.host.kinds.find`.
    """
    zoo = zoo or keeper()
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


def _entry_points(name: str, zoo: Keeper) -> list[EntryPoint]:
    """Returns the entry points of a name, one for each value, without those of a distribution that is not let in."""
    found = {point.value: point for point in entry_points(group=GROUP) if point.name == name}
    return [point for point in found.values() if _is_in(point, zoo)]


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'unknown'}:{point.name}"


def _is_in(point: EntryPoint, zoo: Keeper) -> bool:
    """Says whether a distribution's plugins are let in; of one without any, whether its belief would be."""
    owner = _owner(point)
    distribution = owner.partition(":")[0]
    if distribution == HOUSE:  # its beliefs are declared in registry files, so this one's plugin is not there
        return False
    plugins = [plugin for plugin in zoo.plugins if plugin.name.partition(":")[0] == distribution]
    names = {owner, point.name}
    if plugins:
        return any(plugin.status == "ok" for plugin in plugins) and not zoo.disabled & names
    return not zoo.disabled & names and (zoo.only is None or bool(zoo.only & names))
