"""Declarations of one kind by name and owner. It is an error to use a name that two owners share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from vaezoo.errors import DuplicateName, UnknownName, suggest
from vaezoo.registry.cards import Card

HOUSE = "vaezoo"
"""Distribution whose names nobody else can take. Its plugins are loaded first, so order does not matter."""
USER = "user"
"""Owner of what a program registers for itself."""


@dataclass(frozen=True)
class Source:
    """Who declared something, and where."""

    owner: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        return self.owner if self.file is None else f"{self.owner} ({self.file}:{self.line})"


@dataclass(frozen=True)
class Part:
    """A registered implementation of a slot.

    Attributes:
        slot: Slot: ``encoder``, ``prior``, ``decoder``, ``loss`` or ``conditioner``.
        name: Name within the slot.
        target: Class or function, or ``"package.module:Class"``. It is imported when a part is built.
        facts: Facts function, in the same forms. Its parameters are the part's. None for a part with a configuration.
        summary: One sentence that describes the part.
        source: Who declared it.
        config: Class of the configuration, a frozen dataclass with a method ``facts``, in the same forms. None where
            the part has a facts function, or where its constructor's annotation names the configuration.
    """

    slot: str
    name: str
    target: str | Callable[..., Any]
    facts: str | Callable[..., Any] | None
    summary: str
    source: Source
    config: str | Callable[..., Any] | None = None


@dataclass(frozen=True)
class Model:
    """A declared model: a named choice of parts. :mod:`vaezoo.zoo.specs` resolves it."""

    name: str
    body: Mapping[str, Any]
    source: Source

    @property
    def task(self) -> str:
        """Task of the model, such as ``generate`` or ``denoise``."""
        return str(self.body.get("task", "generate"))

    @property
    def generative(self) -> bool:
        """Whether the model generates images and does not restore any.

        A model without a declared task counts as restoring if it sees a degraded image beside the clean one. A user's
        own model without a task counts as restoring too, since its purpose is unknown.
        """
        if "task" in self.body:
            return self.task == "generate"
        return self.source.owner != USER and self.body.get("encodes") != "target"

    @property
    def summary(self) -> str:
        """One sentence that describes the model."""
        return str(self.body.get("summary", ""))


@dataclass(frozen=True)
class Service:
    """Something that a plugin provides under a name, such as a URL scheme or a command.

    Attributes:
        target: ``"package.module:name"``, imported when used. For a data set also the description of its file.
        summary: One sentence that describes it.
        source: Who declared it.
        config: Class of the configuration, or ``"package.module:Class"``. None if there is no configuration, or if the
            annotation of its ``config`` names it.
    """

    target: str | Callable[..., Any] | Mapping[str, Any]
    summary: str
    source: Source
    config: str | Callable[..., Any] | None = None


Entry = TypeVar("Entry", Part, Model, Card, Service)


@dataclass
class Entries(Generic[Entry]):
    """Entries of one kind by name. A name of two owners needs ``plugin/name``, or a preferred plugin.

    Attributes:
        kind: Kind of the entries.
        entries: Entries by name and owner.
        renamed: Former names, each with the new name by owner.
        prefer: Plugins that win a name of several owners, the first most.
    """

    kind: str
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    prefer: tuple[str, ...] = ()
    _told: set[str] = field(default_factory=set)

    def add(self, name: str, owner: str, entry: Entry) -> None:
        """Adds an entry.

        Raises:
            DuplicateName: The owner already has an entry of this name, or vaezoo has.
        """
        self.check(name, owner)
        self.entries.setdefault(name, {})[owner] = entry

    def check(self, name: str, owner: str) -> None:
        """Raises if the owner or vaezoo has the name already; see :meth:`add`."""
        for other in self.entries.get(name, {}):
            if other == owner or other.partition(":")[0] == HOUSE:
                raise DuplicateName(
                    f"The {self.kind} {name!r} of {owner} is registered already, by {other}.",
                    hint="Choose another name.",
                    value=name,
                )

    def merged(self, other: Entries[Entry]) -> tuple[dict[str, dict[str, Entry]], dict[str, dict[str, str]]]:
        """Returns the entries and former names of both. This object stays unchanged.

        Raises:
            DuplicateName: An owner already has a name, or the name is one of vaezoo's, present or former.
        """
        entries = {name: dict(owners) for name, owners in self.entries.items()}
        renamed = {name: dict(owners) for name, owners in self.renamed.items()}
        for name, owner, entry in other.all():
            self.check(name, owner)
            entries.setdefault(name, {})[owner] = entry
        for old, owners in other.renamed.items():
            for owner, new in owners.items():
                self.check(old, owner)
                self._check_old(old, owner)
                renamed.setdefault(old, {})[owner] = new
        return entries, renamed

    def _check_old(self, old: str, owner: str) -> None:
        if houses := [by for by in self.renamed.get(old, {}) if by.partition(":")[0] == HOUSE and by != owner]:
            raise DuplicateName(
                f"The {self.kind} {old!r} is an old name of {houses[0]}'s, so {owner} cannot rename it.",
                hint="Choose another name.", value=old,
            )  # fmt: skip

    def get(self, name: str, *, former: tuple[str, ...] = ()) -> Entry:
        """Returns an entry by name, or by ``plugin/name``. A former name gives the renamed entry and warns once.

        Args:
            name: Name.
            former: Former names that led to this one.

        Raises:
            UnknownName: The name is unknown, or its successors lead back to it.
            DuplicateName: Several plugins have the name, and none is preferred.
        """
        plugin, _, bare = name.rpartition("/")
        found = owned_by(plugin, self.entries.get(bare, {}))
        if not found:
            if bare not in self.entries and (successors := owned_by(plugin, self.renamed.get(bare, {}))):
                return self._successor(name, successors, former)
            raise UnknownName(
                f"Expected a known {self.kind}, got {name!r}.", hint=suggest(bare, self.entries), value=name
            )
        return found[self.choose(bare, found, name)]

    def choose(self, bare: str, found: Mapping[str, Any], name: str) -> str:
        """Returns the only owner, or the preferred one.

        Raises:
            DuplicateName: There are several owners, and none is preferred.
        """
        owners = sorted(found)
        if len(owners) > 1:
            owners = next((list(won) for p in self.prefer if (won := owned_by(p, found))), owners)
        if len(owners) > 1:
            choices = " or ".join(_qualified(bare, o, owners) for o in owners)
            raise DuplicateName(
                f"The {self.kind} {name!r} is claimed by {' and '.join(owners)}.",
                hint=f"Use {choices}, or put one of the plugins under prefer in your configuration.",
                value=name,
            )
        return owners[0]

    def _successor(self, name: str, successors: Mapping[str, str], former: tuple[str, ...]) -> Entry:
        if name in former:
            circle = " -> ".join((*former, name))
            raise UnknownName(f"The {self.kind} {name!r} is renamed in a circle, {circle}.", value=name)
        owner = self.choose(name.rpartition("/")[2], successors, name)
        new = successors[owner]
        if name not in self._told:
            self._told.add(name)
            warnings.warn(f"vaezoo: the {self.kind} {name!r} is called {new!r} now", FutureWarning, stacklevel=4)
        return self.get(f"{owner}/{new}" if owner in self.entries.get(new, {}) else new, former=(*former, name))

    def rename(self, old: str, new: str, owner: str) -> None:
        """Keeps an old name working.

        Raises:
            DuplicateName: The owner has an entry under the old name, or has renamed it before.
        """
        if owner in self.entries.get(old, {}) or owner in self.renamed.get(old, {}):
            raise DuplicateName(
                f"The {self.kind} {old!r} of {owner} is renamed, but also declared.", hint="Drop one.", value=old
            )
        self.renamed.setdefault(old, {})[owner] = new

    def label(self, name: str, owner: str) -> str:
        """Returns the shortest name that means this owner's entry and no other."""
        owners = list(self.entries[name])
        return name if len(owners) == 1 else _qualified(name, owner, owners)

    def names(self) -> list[str]:
        """Returns all names, sorted."""
        return sorted(self.entries)

    def all(self) -> Iterator[tuple[str, str, Entry]]:
        """Yields name, owner and entry."""
        for name, owners in sorted(self.entries.items()):
            for owner, entry in owners.items():
                yield name, owner, entry


def owned_by(plugin: str, owners: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the owners with a plugin's full or short name; all if no plugin is named."""
    return {o: e for o, e in owners.items() if not plugin or plugin in (o, o.rpartition(":")[2])}


def _qualified(name: str, owner: str, owners: list[str]) -> str:
    """Returns ``plugin/name``, with the distribution if another owner's entry point has the same name."""
    short = owner.rpartition(":")[2]
    alike = sum(o.rpartition(":")[2] == short for o in owners) > 1
    return f"{owner if alike else short}/{name}"
