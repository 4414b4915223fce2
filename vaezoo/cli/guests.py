"""Commands of plugins. Plugins are looked for only for the help and for commands that vaezoo does not have."""

from __future__ import annotations

import warnings
from collections.abc import Container

import click

from vaezoo.errors import PluginError, UnknownName


def guests(ours: Container[str]) -> dict[str, str]:
    """Returns the commands of plugins with their summaries. A name of two plugins, or of vaezoo, is ``plugin/verb``."""
    from vaezoo.host.manager import current_zoo

    shelf, found = current_zoo().registry.verbs, {}
    for name, owner, service in shelf.all():
        label = shelf.label(name, owner)
        if name in ours:
            label = label if "/" in label else f"{owner.rpartition(':')[2]}/{name}"
            warnings.warn(
                f"vaezoo: the verb {name!r} of the plugin {owner} has the name of one of vaezoo: use {label}",
                stacklevel=2,
            )
        found[label] = service.summary
    return found


def guest(name: str) -> click.Command | None:
    """Imports and returns a plugin's command; None if there is none with the name.

    Raises:
        DuplicateName: Two plugins have the name.
        PluginError: The object is not a click command.
        BackendUnavailable: The command cannot be imported.
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
