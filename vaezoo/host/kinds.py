"""Things that are declared by name and target: looked up in the zoo, and imported under a guard."""

from __future__ import annotations

from typing import Any

from vaezoo.errors import PluginError, VaezooError
from vaezoo.host.guard import Refused, guarded
from vaezoo.host.keeper import Keeper, keeper
from vaezoo.registry.target import load_object


def names_of(kind: str, zoo: Keeper | None = None) -> list[str]:
    """Returns the names of everything of a kind, sorted.

    Args:
        kind: Such as ``task``, see `vaezoo.registry.kinds`.
        zoo: Where to look; None for the zoo of this process.
    """
    return (zoo or keeper()).registry.kinds[kind].names()


def find(kind: str, name: str, zoo: Keeper | None = None) -> Any:
    """Returns what a name of a kind stands for, imported if it has to be.

    Args:
        kind: Such as ``task``.
        name: As declared, or ``plugin/name``.
        zoo: Where to look; None for the zoo of this process.

    Raises:
        UnknownName: Nothing of this kind has the name.
        DuplicateName: Two plugins have it.
        BackendUnavailable: It cannot be imported; the cause is in the message.
        PluginError: Importing it does what no plugin may, such as ending the process.
    """
    entry = (zoo or keeper()).registry.kinds[kind].get(name)
    try:
        with guarded("hook-raised"):
            return load_object(entry.target, f"The {kind} {name!r}")
    except Refused as error:
        if isinstance(error.__cause__, VaezooError):
            raise error.__cause__ from None
        message = f"The {kind} {name!r} of {entry.source.owner} cannot be used: {error.cause}."
        raise PluginError(message, hint="Remove the plugin, or ask who made it.", value=name) from error
