"""Lookup of things that are declared by kind and name. They are imported under a guard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import Any, NamedTuple

from vaezoo.errors import PluginError, VaezooError
from vaezoo.host.guard import Refused, guarded
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.host.shared import undisturbed
from vaezoo.registry.configured import annotated_config, check_takes, choice_of, filled
from vaezoo.registry.parameters import check_frozen
from vaezoo.registry.target import load_object


def names_of(kind: str, zoo: Zoo | None = None) -> list[str]:
    """Lists the names of all things of a kind, sorted.

    Args:
        kind: Kind, such as ``task``; see `vaezoo.registry.kinds`.
        zoo: Zoo to look in. None means the zoo of this process.
    """
    return (zoo or current_zoo()).registry.kinds[kind].names()


def check_name(kind: str, name: str, zoo: Zoo | None = None) -> None:
    """Raises if nothing of a kind has the name. Imports nothing.

    Raises:
        UnknownName: Nothing of this kind has the name.
        DuplicateName: Two plugins have the name.
    """
    (zoo or current_zoo()).registry.kinds[kind].get(name)


def find(kind: str, name: str, zoo: Zoo | None = None) -> Any:
    """Returns what a name of a kind stands for, imported if necessary.

    Args:
        kind: Kind, such as ``task``.
        name: Declared name, or ``plugin/name``.
        zoo: Zoo to look in. None means the zoo of this process.

    Raises:
        UnknownName: Nothing of this kind has the name.
        DuplicateName: Two plugins have the name.
        BackendUnavailable: The thing cannot be imported. The message has the cause.
        PluginError: The import does what no plugin may do, such as ending the process.
    """
    entry = (zoo or current_zoo()).registry.kinds[kind].get(name)
    with at_its_own_risk(kind, name, entry.source.owner), undisturbed(entry.source.owner):
        return load_object(entry.target, f"The {kind} {name!r}")


class Chosen(NamedTuple):
    """Something of a kind that a recipe chose.

    Attributes:
        name: Declared name.
        target: What the name stands for.
        settings: Keyword arguments for the target: ``config``, or none if it has no configuration.
    """

    name: str
    target: Any
    settings: dict[str, Any]


def chosen(kind: str, said: Any, zoo: Zoo | None = None) -> Chosen:
    """Returns what a recipe chose of a kind, with its configuration.

    Args:
        kind: Kind, such as ``damage``.
        said: Name, or mapping with ``name`` and settings.
        zoo: Zoo to look in. None means the zoo of this process.

    Raises:
        ConfigError: A setting is unknown, or a value has the wrong type.
        PartMismatch: A configuration is declared, but the target takes none.
        VaezooError: As for `find`.
    """
    name, settings = choice_of(kind, said)
    what, owner = f"The {kind} {name!r}", (zoo or current_zoo()).registry.kinds[kind].get(name).source.owner
    target, config = find(kind, name, zoo), config_class(kind, name, zoo)
    if config is not None:
        check_takes(target, config, what)
    with at_its_own_risk(kind, name, owner):
        made = filled(config, settings, what)
    return Chosen(name, target, {} if config is None else {"config": made})


def config_class(kind: str, name: str, zoo: Zoo | None = None) -> Any:
    """Returns the class of a thing's configuration, or None. Imports the thing if its declaration does not name one.

    Raises:
        ConfigError: The class is not a frozen dataclass, or the annotation of ``config`` cannot be read.
        VaezooError: As for `find`.
    """
    entry, what = (zoo or current_zoo()).registry.kinds[kind].get(name), f"The {kind} {name!r}"
    if entry.config is None:
        return annotated_config(find(kind, name, zoo), what)
    with at_its_own_risk(kind, name, entry.source.owner), undisturbed(entry.source.owner):
        config = load_object(entry.config, what)
    check_frozen(config, what)
    return config


def check_choice(kind: str, said: Any) -> None:
    """Raises if a recipe's choice of a kind is unknown, or does not accept its settings.

    A name without settings imports nothing.

    Raises:
        VaezooError: As for `chosen`.
    """
    name, settings = choice_of(kind, said)
    if settings or current_zoo().registry.kinds[kind].get(name).config is not None:
        chosen(kind, said)


def safely(kind: str, name: str, zoo: Zoo | None = None) -> Callable[..., Any]:
    """Returns the function that a name of a kind stands for. Calls of it are guarded, like its import.

    Raises:
        VaezooError: As for `find`. Calls raise errors of vaezoo unchanged, and others as `PluginError`.
    """
    owner = (zoo or current_zoo()).registry.kinds[kind].get(name).source.owner
    return _guarding(kind, name, owner, find(kind, name, zoo))


@lru_cache(maxsize=256)  # the same declaration gives the same function, so that callers can cache by it
def _guarding(kind: str, name: str, owner: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        with at_its_own_risk(kind, name, owner):
            return function(*args, **settings)

    return call


@contextmanager
def at_its_own_risk(kind: str, name: str, owner: str, fails: type[VaezooError] = PluginError) -> Iterator[None]:
    """Context manager for the use of something that a plugin declares. A fault in it ends neither process nor zoo.

    Args:
        kind: Kind of the thing, for error messages.
        name: Name of the thing, for error messages.
        owner: Plugin that declares it, for error messages.
        fails: Class of error that replaces errors that are not vaezoo's.

    Raises:
        VaezooError: Errors of vaezoo are raised unchanged, others as ``fails``.
    """
    try:
        with guarded("hook-raised"):
            yield
    except Refused as error:
        if isinstance(error.__cause__, VaezooError):
            raise error.__cause__ from None
        message = f"The {kind} {name!r} of {owner} cannot be used: {error.cause}."
        raise fails(message, hint="Remove the plugin, or ask its author.", value=name) from error
