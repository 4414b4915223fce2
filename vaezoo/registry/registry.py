"""The registry: all parts, models, cards and other declarations, each with its owner and origin."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vaezoo.errors import ConfigError, DuplicateName, suggest
from vaezoo.files.schema import conform
from vaezoo.files.yaml import Lined, read_yaml
from vaezoo.registry.cards import Card, card_from
from vaezoo.registry.conformance import ConformanceCase
from vaezoo.registry.declared import NAME, SLOTS, registry_schema
from vaezoo.registry.entries import HOUSE, USER, Entries, Model, Part, Service, Source, owned_by
from vaezoo.registry.kinds import KINDS
from vaezoo.registry.parameters import check_config, check_frozen, check_pair, config_of
from vaezoo.registry.plain import plain_copy, plain_name, plain_text

__all__ = ["HOUSE", "SLOTS", "USER", "Model", "Part", "Registry", "Service", "Source", "split_name"]
_NAME = re.compile(NAME)
Target = str | Callable[..., Any] | Mapping[str, Any]


class Registry:
    """Parts, models, cards and other declarations. Each plugin fills its own, which is then merged into the zoo's.

    Args:
        owner: Owner of what is registered without a source.

    Attributes:
        cases: Cases for the contract kit, from the registry files; None if no file states any.
    """

    cases: list[ConformanceCase] | None = None

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.parts: dict[str, Entries[Part]] = {slot: Entries(slot) for slot in SLOTS}
        self.models: Entries[Model] = Entries("model")
        self.cards: Entries[Card] = Entries("weight")
        self.schemes: Entries[Service] = Entries("URL scheme")
        self.verbs: Entries[Service] = Entries("verb")
        self.kinds: dict[str, Entries[Service]] = {kind: Entries(kind) for kind in KINDS}

    def shelves(self) -> dict[str, Entries[Any]]:
        """Returns the entries by kind."""
        shelves: list[Entries[Any]] = [*self.parts.values(), self.models, self.cards, self.schemes, self.verbs]
        shelves += self.kinds.values()
        return {shelf.kind: shelf for shelf in shelves}

    def add_part(
        self,
        slot: str,
        name: str,
        target: str | Callable[..., Any],
        facts: str | Callable[..., Any] | None = None,
        summary: str = "",
        source: Source | None = None,
        config: str | Callable[..., Any] | None = None,
    ) -> None:
        """Registers an implementation of a slot; see :class:`Part`.

        Args:
            slot: Slot, one of `SLOTS`.
            name: Name: lower-case words joined by hyphens.
            target: Class of the part, or ``"package.module:Class"``.
            facts: Facts function, or ``"package.module:function"``. None for a part with a configuration.
            summary: One sentence that describes the part.
            source: Who declares it, and where. None means the registry's owner.
            config: Class of the configuration, or ``"package.module:Class"``. None for a part with a facts function, or
                whose constructor's annotation names the configuration.

        Raises:
            ConfigError: The name is malformed, the slot is unknown, the summary is not a text, or there is not exactly
                one of configuration and facts.
            PartMismatch: The part is built from something else.
            DuplicateName: The name is taken.
        """
        name = _checked_name(name)
        summary = plain_text(summary, f"the summary of the {slot} {name!r}")
        target, facts, config = plain_name(target), plain_name(facts), plain_name(config)
        if slot not in SLOTS:
            raise ConfigError(f"Expected a slot, got {slot!r}.", hint=suggest(slot, SLOTS), value=slot)
        if facts is None and config is None and callable(target):
            config = config_of(target)
        what = f"The {slot} {name!r}"
        if (facts is not None and config is not None) or (facts is None and config is None and callable(target)):
            raise ConfigError(
                f"{what}: expected either its config or its facts, got {config!r} and {facts!r}.",
                hint="Or annotate the constructor's only parameter with its configuration.",
                value=name,
            )
        said = facts if config is None else config
        if config is not None and not isinstance(config, str):
            check_config(config, what)
        if callable(target) and callable(said):
            check_pair(target, said, what)
        part = Part(slot, name, target, facts, summary, source or Source(self.owner), config)
        self.parts[slot].add(name, part.source.owner, part)

    def add_model(self, name: str, body: Mapping[str, Any], source: Source | None = None) -> None:
        """Registers a model. ``body`` is its entry in a registry file.

        Raises:
            ConfigError: The name is malformed, the summary or the task is not a text, or the body lacks a slot.
            DuplicateName: The name is taken.
        """
        name = _checked_name(name)
        if not isinstance(body, Mapping):
            raise ConfigError(f"Expected the model {name!r} as a mapping, got {body!r}.", value=body)
        if type(body) is not Lined:  # what was read from a file is plain already
            body = plain_copy(body)
        for key in [key for key in ("summary", "task") if key in body]:
            plain_text(body[key], f"the {key} of the model {name!r}")
        missing = [slot for slot in ("prior", "decoder", "loss") if slot not in body]
        if missing:
            raise ConfigError(f"Expected the model {name!r} to name its {' and '.join(missing)}.", value=name)
        model = Model(name, body, source or Source(self.owner))
        self.models.add(name, model.source.owner, model)

    def add(
        self,
        kind: str,
        name: str,
        target: Target,
        summary: str = "",
        source: Source | None = None,
        config: str | Callable[..., Any] | None = None,
    ) -> None:
        """Registers a part, or a thing of a kind of `vaezoo.registry.kinds`.

        Args:
            kind: Kind, such as ``task``, or a slot.
            name: Name: lower-case words joined by hyphens.
            target: The thing itself, or ``"package.module:name"``, imported when used. For a data set also the
                description of its file.
            summary: One sentence that describes it.
            source: Who declares it, and where. None means the registry's owner.
            config: Class of the configuration, a frozen dataclass, or ``"package.module:Class"``. None if there is no
                configuration, or if an annotation names it: of a function's parameter ``config``, or of the class's.

        Raises:
            ConfigError: The kind is unknown, the name is malformed, the summary is not a text, or the target is neither
                text nor callable. Or things of this kind have no configuration, or it is not a frozen dataclass.
            DuplicateName: The name is taken.
        """
        if kind in SLOTS:
            self.add_part(kind, name, target, None, summary, source, config)  # type: ignore[arg-type]
            return
        if kind not in self.kinds:
            raise ConfigError(f"Expected a kind, got {kind!r}.", hint=suggest(str(kind), self.kinds), value=kind)
        name = _checked_name(name)
        summary = plain_text(summary, f"the summary of the {kind} {name!r}")
        target, config = plain_name(target), plain_name(config)
        if config is not None:
            if not KINDS[kind].configured:
                configured = [each.name for each in KINDS.values() if each.configured]
                hint = f"These have one: {', '.join((*SLOTS, *configured))}."
                raise ConfigError(f"The {kind} {name!r} can have no config.", hint=hint, value=config)
            if not isinstance(config, str):
                check_frozen(config, f"The {kind} {name!r}")
        if described := kind == "data" and isinstance(target, Mapping):
            target = plain_copy(target)
        if not (isinstance(target, str) or callable(target) or described):
            message = f"Expected the target of the {kind} {name!r} as {KINDS[kind].target}, got {target!r}."
            raise ConfigError(message, hint="Give it as package.module:name.", value=target)
        source = source or Source(self.owner)
        self.kinds[kind].add(name, source.owner, Service(target, summary, source, config))

    def add_file(self, path: Path) -> None:
        """Registers the declarations of a registry file.

        Raises:
            ConfigError: The file cannot be read, or has an unknown key. The message has file and line.
            DuplicateName: A name is taken.
        """
        top = read_yaml(path)
        conform(top, registry_schema(), str(path), "a registry file")
        slots = top.section("parts")
        for slot in slots:
            parts = slots.section(slot)
            for name, body in parts.items():
                where = self._source(path, parts, name)
                facts, config = body.get("facts"), body.get("config")
                self.add_part(slot, name, body["target"], facts, body.get("summary", ""), where, config)
        models = top.section("models")
        for name, body in models.items():
            where = self._source(path, models, name)
            self.add_model(name, body, where)
        cards = top.section("weights")
        for name, body in cards.items():
            where = self._source(path, cards, name)
            self.cards.add(name, self.owner, card_from(name, body, str(where)))
        for kind in KINDS.values():
            declared = top.section(kind.section)
            for name, body in declared.items():
                where = self._source(path, declared, name)
                row = {key: value for key, value in body.items() if key not in ("target", "summary", "config")}
                summary = body.get("summary", row.get("licence", ""))
                self.add(kind.name, name, body.get("target", row), summary, where, body.get("config"))
        if "conformance" in top:
            said = [{"model": case} if isinstance(case, str) else case for case in top["conformance"]]
            self.cases = [*(self.cases or ()), *(ConformanceCase(**case) for case in said)]
        renamed = top.section("renamed")
        for what in renamed:
            for old, new in renamed.section(what).items():
                self.shelves()[what].rename(old, new, self.owner)

    def _source(self, path: Path, section: Lined, key: str) -> Source:
        return Source(self.owner, path.name, section.lines.get(key))

    def merge(self, other: Registry) -> None:
        """Takes over everything of another registry. If anything fails, nothing is taken over.

        Raises:
            DuplicateName: A name is one of vaezoo's.
        """
        theirs, mine = other.shelves(), self.shelves()
        merged = {kind: shelf.merged(theirs[kind]) for kind, shelf in mine.items()}
        for kind, shelf in mine.items():
            shelf.entries, shelf.renamed = merged[kind]

    def prefer(self, plugins: tuple[str, ...]) -> None:
        """Makes plugins win names that several plugins have, the first most."""
        for shelf in self.shelves().values():
            shelf.prefer = plugins

    def cards_of(self, arch: str, distribution: str | None = None) -> dict[str, Card]:
        """Returns the cards of a model by tag, in the order of declaration.

        A tag that several owners declare is included only if the name has ``plugin/``, or one of them is preferred.

        Args:
            arch: Name of the model, with or without ``plugin/``.
            distribution: Distribution whose cards to return. None means all.
        """
        plugin, _, bare = arch.rpartition("/")
        found = {}
        for name, owners in self.cards.entries.items():
            base, _, tag = name.partition(".")
            if base == bare:
                mine = owned_by(plugin, owners) or owners
                if distribution is not None:
                    mine = {owner: card for owner, card in mine.items() if owner.partition(":")[0] == distribution}
                with suppress(DuplicateName, IndexError):
                    found[tag] = mine[self.cards.choose(name, mine, name)]
        return found


def split_name(name: str) -> tuple[str, str | None]:
    """Splits ``arch.tag`` into architecture and tag. The tag is None if the name has none.

    Raises:
        ConfigError: The name is not a text.
    """
    if not isinstance(name, str):
        raise ConfigError(f"Expected a model's name, got {name!r}.", value=name)
    plugin, slash, bare = name.rpartition("/")
    arch, _, tag = bare.partition(".")
    return plugin + slash + arch, tag or None


def is_file(text: str) -> bool:
    """Says whether a text for weights means the path of a file, not a tag or a name."""
    return "/" in text or text.endswith(".safetensors")


def _checked_name(name: str) -> str:
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ConfigError(f"Expected a name of lower case words joined by hyphens, got {name!r}.", value=name)
    return str.__str__(name)
