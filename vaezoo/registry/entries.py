"""Entries of one kind by name, and who owns which: no two owners share a name without anybody noticing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from vaezoo.errors import DuplicateName, UnknownName, suggest
from vaezoo.registry.cards import Card

HOUSE = "vaezoo"
"""The distribution whose names nobody else can take; its plugins are loaded first, so no order matters."""
USER = "user"
"""Who owns what a program registers for itself."""


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
    """An implementation of a slot.

    Attributes:
        slot: ``encoder``, ``prior``, ``decoder``, ``loss`` or ``conditioner``.
        name: Its name within the slot.
        target: ``"package.module:Class"``, or the class or function itself; imported when built.
        facts: The same for its facts function, whose parameters are the part's; None where it has a configuration.
        summary: One sentence.
        source: Who declared it.
        config: The same for its configuration, a frozen dataclass with a method ``facts``; None where it has a facts
            function, or where its constructor says it.
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
    """A named choice of parts, as declared; :mod:`vaezoo.zoo.specs` resolves it."""

    name: str
    body: Mapping[str, Any]
    source: Source

    @property
    def task(self) -> str:
        """What it is for, such as ``generate`` or ``denoise``."""
        return str(self.body.get("task", "generate"))

    @property
    def generative(self) -> bool:
        """Whether it makes pictures up, and restores none.

        Where it says nothing of its task, a model that sees a degraded picture beside the clean one restores, and a
        user's own may: nobody has said what it is for.
        """
        if "task" in self.body:
            return self.task == "generate"
        return self.source.owner != USER and self.body.get("encodes") != "target"

    @property
    def summary(self) -> str:
        """One sentence."""
        return str(self.body.get("summary", ""))


@dataclass(frozen=True)
class Service:
    """Something that a plugin does under a name: a URL scheme, a verb of the command line.

    Attributes:
        target: ``"package.module:name"``, imported when used; of a data set also what is said of its file.
        summary: One sentence.
        source: Who declared it.
    """

    target: str | Callable[..., Any] | Mapping[str, Any]
    summary: str
    source: Source


Entry = TypeVar("Entry", Part, Model, Card, Service)


@dataclass
class Entries(Generic[Entry]):
    """Entries of one kind by name; a name that two owners claim is nobody's until it is qualified, or one preferred.

    Attributes:
        kind: What they are.
        entries: By name and owner.
        renamed: Old names, each with who says so and the new name.
        prefer: Plugins that win a tie, first come first.
    """

    kind: str
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    prefer: tuple[str, ...] = ()
    _told: set[str] = field(default_factory=set)

    def add(self, name: str, owner: str, entry: Entry) -> None:
        """Adds an entry.

        Raises:
            DuplicateName: The owner has one of this name already, or the house has.
        """
        self.check(name, owner)
        self.entries.setdefault(name, {})[owner] = entry

    def check(self, name: str, owner: str) -> None:
        """Refuses a name that the owner or a built-in has already; raises as :meth:`add` does."""
        for other in self.entries.get(name, {}):
            if other == owner or other.partition(":")[0] == HOUSE:
                raise DuplicateName(
                    f"The {self.kind} {name!r} of {owner} is registered already, by {other}.",
                    hint="Choose another name.",
                    value=name,
                )

    def merged(self, other: Entries[Entry]) -> tuple[dict[str, dict[str, Entry]], dict[str, dict[str, str]]]:
        """Returns entries and renamings with another's; this shelf stays as it is.

        Raises:
            DuplicateName: An owner has one of a name already, or the house has, also as the old name of something.
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

    def get(self, name: str) -> Entry:
        """Returns an entry by its name, or by ``plugin/name``; an old name warns once, and gives the new one's.

        Raises:
            UnknownName: There is none.
            DuplicateName: Two plugins have one, and neither is preferred.
        """
        plugin, _, bare = name.rpartition("/")
        found = owned_by(plugin, self.entries.get(bare, {}))
        if not found:
            if bare not in self.entries and (successors := owned_by(plugin, self.renamed.get(bare, {}))):
                return self._successor(name, successors)
            raise UnknownName(
                f"Expected a known {self.kind}, got {name!r}.", hint=suggest(bare, self.entries), value=name
            )
        return found[self.choose(bare, found, name)]

    def choose(self, bare: str, found: Mapping[str, Any], name: str) -> str:
        """Returns the one owner, or the preferred one.

        Raises:
            DuplicateName: There are several, and none is preferred.
        """
        owners = sorted(found)
        if len(owners) > 1:
            owners = next((list(won) for p in self.prefer if (won := owned_by(p, found))), owners)
        if len(owners) > 1:
            choices = " or ".join(_qualified(bare, o, owners) for o in owners)
            raise DuplicateName(
                f"The {self.kind} {name!r} is claimed by {' and '.join(owners)}.",
                hint=f"Say {choices}, or put one of the plugins under prefer in your configuration.",
                value=name,
            )
        return owners[0]

    def _successor(self, name: str, successors: Mapping[str, str]) -> Entry:
        owner = self.choose(name.rpartition("/")[2], successors, name)
        new = successors[owner]
        if name not in self._told:
            self._told.add(name)
            warnings.warn(f"vaezoo: the {self.kind} {name!r} is called {new!r} now", FutureWarning, stacklevel=4)
        return self.get(f"{owner}/{new}" if owner in self.entries.get(new, {}) else new)

    def rename(self, old: str, new: str, owner: str) -> None:
        """Keeps an old name working.

        Raises:
            DuplicateName: The owner gives that name to something today, or has said so before.
        """
        if owner in self.entries.get(old, {}) or owner in self.renamed.get(old, {}):
            raise DuplicateName(
                f"The {self.kind} {old!r} of {owner} is renamed, but is there as well.", hint="Drop one.", value=old
            )
        self.renamed.setdefault(old, {})[owner] = new

    def label(self, name: str, owner: str) -> str:
        """Returns the shortest name that means this owner's entry and no other's."""
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
    """Returns those owners that a plugin's whole or short name means; all where there is no name."""
    return {o: e for o, e in owners.items() if not plugin or plugin in (o, o.rpartition(":")[2])}


def _qualified(name: str, owner: str, owners: list[str]) -> str:
    """Returns ``plugin/name``, with the distribution where another owner's entry point is called alike."""
    short = owner.rpartition(":")[2]
    alike = sum(o.rpartition(":")[2] == short for o in owners) > 1
    return f"{owner if alike else short}/{name}"
