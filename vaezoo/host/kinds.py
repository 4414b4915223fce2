"""Things that are declared by name and target: looked up in the zoo, and imported under a guard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import Any

from vaezoo.errors import PluginError, VaezooError
from vaezoo.host.guard import Refused, guarded
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.registry.target import load_object


def names_of(kind: str, zoo: Zoo | None = None) -> list[str]:
    """Returns the names of everything of a kind, sorted.

    Args:
        kind: Such as ``task``, see `vaezoo.registry.kinds`.
        zoo: Where to look; None for the zoo of this process.
    """
    return (zoo or current_zoo()).registry.kinds[kind].names()


def check_name(kind: str, name: str, zoo: Zoo | None = None) -> None:
    """Refuses a name that nothing of a kind has, without importing what it stands for.

    Raises:
        UnknownName: Nothing of this kind has the name.
        DuplicateName: Two plugins have it.
    """
    (zoo or current_zoo()).registry.kinds[kind].get(name)


def find(kind: str, name: str, zoo: Zoo | None = None) -> Any:
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
    entry = (zoo or current_zoo()).registry.kinds[kind].get(name)
    with at_its_own_risk(kind, name, entry.source.owner):
        return load_object(entry.target, f"The {kind} {name!r}")


def safely(kind: str, name: str, zoo: Zoo | None = None) -> Callable[..., Any]:
    """Returns the function that a name of a kind stands for; calls of it are guarded, as its import is.

    Raises:
        VaezooError: As `find`; when it is called, an error of vaezoo's own as it is, all else as `PluginError`.
    """
    owner = (zoo or current_zoo()).registry.kinds[kind].get(name).source.owner
    return _guarding(kind, name, owner, find(kind, name, zoo))


@lru_cache(maxsize=256)  # so that the same declaration is the same function, for whoever keeps what it returned
def _guarding(kind: str, name: str, owner: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        with at_its_own_risk(kind, name, owner):
            return function(*args, **settings)

    return call


@contextmanager
def at_its_own_risk(kind: str, name: str, owner: str) -> Iterator[None]:
    """Guards what is done with something that a plugin declares, so that it ends neither process nor zoo.

    Args:
        kind: Kind of the declared thing, for the message.
        name: Its name, for the message.
        owner: The plugin that declares it, for the message.

    Raises:
        VaezooError: An error of vaezoo's own as it is, all else as `PluginError`.
    """
    try:
        with guarded("hook-raised"):
            yield
    except Refused as error:
        if isinstance(error.__cause__, VaezooError):
            raise error.__cause__ from None
        message = f"The {kind} {name!r} of {owner} cannot be used: {error.cause}."
        raise PluginError(message, hint="Remove the plugin, or ask who made it.", value=name) from error
