"""What is registered: parts, models, weights, each with its owner and where it was declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..errors import ConfigError, DuplicateName, UnknownName, suggest
from .cards import Card, card_from
from .declared import NAME, SLOTS, registry_schema
from .schema import conform
from .yaml import Lined, read_yaml

HOUSE = "vaezoo"
"""The distribution whose names nobody else can take; its plugins are loaded first, so no order matters."""
_NAME = re.compile(NAME)


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
        facts: The same for its facts, whose signature is the part's configuration.
        summary: One sentence.
        source: Who declared it.
    """

    slot: str
    name: str
    target: str | Callable[..., Any]
    facts: str | Callable[..., Any]
    summary: str
    source: Source


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
    def summary(self) -> str:
        """One sentence."""
        return str(self.body.get("summary", ""))


Entry = TypeVar("Entry", Part, Model, Card)


@dataclass
class Shelf(Generic[Entry]):
    """Entries of one kind by name; a name that two owners claim is nobody's until it is qualified."""

    kind: str
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)

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

    def get(self, name: str) -> Entry:
        """Returns an entry by its name, or by ``plugin/name``.

        Raises:
            UnknownName: There is none.
            DuplicateName: Two plugins have one.
        """
        plugin, _, bare = name.rpartition("/")
        owners = self.entries.get(bare, {})
        found = {o: e for o, e in owners.items() if not plugin or plugin in (o, o.rpartition(":")[2])}
        if not found:
            raise UnknownName(
                f"Expected a known {self.kind}, got {name!r}.", hint=suggest(bare, self.entries), value=name
            )
        if len(found) > 1:
            choices = " or ".join(f"{o.rpartition(':')[2]}/{bare}" for o in sorted(found))
            raise DuplicateName(
                f"The {self.kind} {name!r} is claimed by {' and '.join(sorted(found))}.",
                hint=f"Say {choices}.",
                value=name,
            )
        return next(iter(found.values()))

    def names(self) -> list[str]:
        """Returns all names, sorted."""
        return sorted(self.entries)

    def all(self) -> Iterator[tuple[str, str, Entry]]:
        """Yields name, owner and entry."""
        for name, owners in sorted(self.entries.items()):
            for owner, entry in owners.items():
                yield name, owner, entry


class Registry:
    """Parts, models and cards. A plugin fills one of its own, which is merged when all went well.

    Args:
        owner: Who registers, where no source says otherwise.
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.parts: dict[str, Shelf[Part]] = {slot: Shelf(slot) for slot in SLOTS}
        self.models: Shelf[Model] = Shelf("model")
        self.cards: Shelf[Card] = Shelf("weight")

    def add_part(
        self,
        slot: str,
        name: str,
        target: str | Callable[..., Any],
        facts: str | Callable[..., Any],
        summary: str = "",
        source: Source | None = None,
    ) -> None:
        """Registers an implementation of a slot; see :class:`Part`.

        Raises:
            ConfigError: The name is not lower case words joined by hyphens, or the slot is none.
            DuplicateName: The name is taken.
        """
        _check_name(name)
        if slot not in SLOTS:
            raise ConfigError(f"Expected a slot, got {slot!r}.", hint=suggest(slot, SLOTS), value=slot)
        part = Part(slot, name, target, facts, summary, source or Source(self.owner))
        self.parts[slot].add(name, part.source.owner, part)

    def add_model(self, name: str, body: Mapping[str, Any], source: Source | None = None) -> None:
        """Registers a named model; ``body`` as in a registry file.

        Raises:
            ConfigError: The name is not lower case words joined by hyphens, or the body lacks a slot.
            DuplicateName: The name is taken.
        """
        _check_name(name)
        missing = [slot for slot in ("prior", "decoder", "loss") if slot not in body]
        if missing:
            raise ConfigError(f"Expected the model {name!r} to name its {' and '.join(missing)}.", value=name)
        model = Model(name, body, source or Source(self.owner))
        self.models.add(name, model.source.owner, model)

    def add_file(self, path: Path) -> None:
        """Registers what a registry file declares.

        Raises:
            ConfigError: The file cannot be read or says something unknown; the message has file and line.
            DuplicateName: A name is taken.
        """
        top = read_yaml(path)
        conform(top, registry_schema(), str(path), "a registry file")
        slots = top.section("parts")
        for slot in slots:
            parts = slots.section(slot)
            for name, body in parts.items():
                where = self._source(path, parts, name)
                self.add_part(slot, name, body["target"], body["facts"], body.get("summary", ""), where)
        models = top.section("models")
        for name, body in models.items():
            where = self._source(path, models, name)
            self.add_model(name, body, where)
        cards = top.section("weights")
        for name, body in cards.items():
            where = self._source(path, cards, name)
            self.cards.add(name, self.owner, card_from(name, body, str(where)))

    def _source(self, path: Path, section: Lined, key: str) -> Source:
        return Source(self.owner, path.name, section.lines.get(key))

    def merge(self, other: Registry) -> None:
        """Takes over everything of another registry, or nothing if a name clashes with the house's.

        Raises:
            DuplicateName: A name is the house's.
        """
        pairs: list[tuple[Shelf[Any], Shelf[Any]]] = [(self.models, other.models), (self.cards, other.cards)]
        pairs += [(self.parts[slot], other.parts[slot]) for slot in SLOTS]
        for mine, theirs in pairs:
            for name, owner, _ in theirs.all():
                mine.check(name, owner)
        for mine, theirs in pairs:
            for name, owner, entry in theirs.all():
                mine.add(name, owner, entry)

    def cards_of(self, arch: str) -> dict[str, Card]:
        """Returns the cards of an architecture by tag, in the order they were declared."""
        found = {}
        for name, owners in self.cards.entries.items():
            base, _, tag = name.partition(".")
            if base == arch.rpartition("/")[2]:
                found[tag] = next(iter(owners.values()))
        return found


def split_name(name: str) -> tuple[str, str | None]:
    """Returns architecture and tag of ``arch`` or ``arch.tag``; the tag is None where there is none.

    Raises:
        ConfigError: It is no text.
    """
    if not isinstance(name, str):
        raise ConfigError(f"Expected a model's name, got {name!r}.", value=name)
    arch, _, tag = name.partition(".")
    return arch, tag or None


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"Expected a name of lower case words joined by hyphens, got {name!r}.", value=name)
