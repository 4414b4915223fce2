"""Verbs that plugins bring. Ours are known without them, so only help and a verb that is not ours look here."""

from __future__ import annotations

import warnings
from collections.abc import Container

import click

from vaezoo.errors import PluginError, UnknownName


def guests(ours: Container[str]) -> dict[str, str]:
    """Returns the verbs of plugins with their sentences; one that two claim, or is ours, stands as ``plugin/verb``."""
    from vaezoo.host.manager import current_zoo

    shelf, found = current_zoo().registry.verbs, {}
    for name, owner, service in shelf.all():
        label = shelf.label(name, owner)
        if name in ours:
            label = label if "/" in label else f"{owner.rpartition(':')[2]}/{name}"
            warnings.warn(f"vaezoo: the verb {name!r} of the plugin {owner} is ours; say {label}", stacklevel=2)
        found[label] = service.summary
    return found


def guest(name: str) -> click.Command | None:
    """Returns a plugin's verb, imported now; None where there is none of that name.

    Raises:
        DuplicateName: Two plugins bring it.
        PluginError: It is no click command.
        BackendUnavailable: It cannot be imported.
    """
    from vaezoo.host.manager import current_zoo
    from vaezoo.registry.target import load_object

    try:
        service = current_zoo().registry.verbs.get(name)
    except UnknownName:
        return None
    command = load_object(service.target, f"The verb {name!r}")
    if not isinstance(command, click.Command):
        raise PluginError(
            f"Expected a click command as the verb {name!r} of {service.source}, got {command!r}.", value=name
        )
    return command
