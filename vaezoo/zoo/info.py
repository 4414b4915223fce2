"""Listing models and other declarations, as they are declared. `vaezoo.inspection` says what they resolve to."""

from __future__ import annotations

import fnmatch
from dataclasses import MISSING, asdict, is_dataclass
from typing import Any

from vaezoo.errors import UnknownName, suggest
from vaezoo.host.kinds import config_class, find
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.registry.entries import Part
from vaezoo.registry.kinds import KINDS
from vaezoo.registry.options import options_of
from vaezoo.registry.parameters import Parameter, fields_of, parameters_of
from vaezoo.registry.registry import split_name

SECTIONS = {
    "encoders": "encoder",
    "priors": "prior",
    "decoders": "decoder",
    "losses": "loss",
    "conditioners": "conditioner",
    "refinements": "refine",
    **{kind.section: kind.name for kind in KINDS.values()},
    "schemes": "URL scheme",
    "verbs": "verb",
}
"""Kinds of declarations that can be listed beside models: plural to singular."""


def list_models(
    pattern: str = "*", *, task: str | None = None, pretrained: bool = False, zoo: Zoo | None = None
) -> list[str]:
    """Lists the names of models, sorted.

    Args:
        pattern: Shell pattern for the name, such as ``"conv-*"``.
        task: Task of the models, such as ``generate`` or ``denoise``. None means all.
        pretrained: Whether to list only models with weights, as ``arch.tag``.
        zoo: Zoo to look in. None means the installed zoo.

    Raises:
        UnknownName: No model has this task.
    """
    registry = (zoo or current_zoo()).registry
    tasks = {model.task for _, _, model in registry.models.all()}
    if task is not None and task not in tasks:
        raise UnknownName(f"Expected a task, got {task!r}.", hint=suggest(task, tasks), value=task)
    names = []
    for name, owner, model in registry.models.all():
        shown = registry.models.label(name, owner)
        if task is not None and model.task != task:
            continue
        tags = [f"{shown}.{tag}" for tag in registry.cards_of(name)] if pretrained else [shown]
        names += [n for n in tags if fnmatch.fnmatchcase(n, pattern) or fnmatch.fnmatchcase(shown, pattern)]
    return sorted(names)


def model_info(name: str, *, zoo: Zoo | None = None) -> dict[str, Any]:
    """Returns what is declared about a model: its description, parts and the cards of its weights.

    Args:
        name: ``arch``, ``arch.tag`` or ``plugin/arch``.
        zoo: Zoo to look in. None means the installed zoo.

    Raises:
        UnknownName: No model has the name.
    """
    registry = (zoo or current_zoo()).registry
    arch, tag = split_name(name)
    model = registry.models.get(arch)
    cards = registry.cards_of(model.name)
    if tag:
        from vaezoo.zoo.weights import pick

        cards = {tag: pick(registry, model.name, tag)}
    body = {key: value for key, value in model.body.items() if key not in ("summary", "task")}
    return {
        "name": model.name,
        "task": model.task,
        "summary": model.summary,
        "owner": model.source.owner,
        "declared": str(model.source),
        **plain(body),
        "weights": {tag: plain(asdict(card)) for tag, card in cards.items()},
    }


def list_declared(kind: str, pattern: str = "*", *, zoo: Zoo | None = None) -> list[dict[str, str]]:
    """Lists the declarations of a kind, sorted by name, each with its owner, summary and origin.

    Args:
        kind: Kind, as plural or singular, such as ``tasks`` or ``task``; see `SECTIONS`.
        pattern: Shell pattern for the name.
        zoo: Zoo to look in. None means the installed zoo.

    Raises:
        UnknownName: The kind is unknown.
    """
    shelf = (zoo or current_zoo()).registry.shelves()[kind_called(kind)]
    return [
        {"name": label, "owner": owner, "summary": entry.summary, "declared": str(entry.source)}
        for name, owner, entry in shelf.all()
        for label in [shelf.label(name, owner)]
        if fnmatch.fnmatchcase(label, pattern) or fnmatch.fnmatchcase(name, pattern)
    ]


def declared_info(kind: str, name: str, *, zoo: Zoo | None = None) -> dict[str, Any]:
    """Returns what is declared under a name of a kind.

    For a task this includes its options, for a part its parameters, for a damage, an optimizer or a schedule its
    settings. Its module is imported to find them.

    Args:
        kind: Kind, as plural or singular, such as ``tasks`` or ``task``; see `SECTIONS`.
        name: Declared name, or ``plugin/name``.
        zoo: Zoo to look in. None means the installed zoo.

    Raises:
        UnknownName: The kind is unknown, or nothing of this kind has the name.
        DuplicateName: Two plugins declare the name.
    """
    kind = kind_called(kind)
    entry = (zoo or current_zoo()).registry.shelves()[kind].get(name)
    told: dict[str, Any] = {"kind": kind, "name": name, "owner": entry.source.owner, "summary": entry.summary}
    told |= {"declared": str(entry.source), "target": entry.target if isinstance(entry.target, str) else "in Python"}
    if kind == "task" and is_dataclass(task := find("task", name, zoo)):
        told["options"] = {option.name: option.plain() for option in options_of(task)}  # type: ignore[arg-type]
    if kind in KINDS and KINDS[kind].configured and (config := config_class(kind, name, zoo)):
        told["settings"] = {key: _parameter(each) for key, each in fields_of(config).items()}
    if isinstance(entry, Part):
        told["parameters"] = {key: _parameter(each) for key, each in parameters_of(entry).items()}
    return told


def kind_called(kind: str) -> str:
    """Returns the singular of a kind, given as plural or singular; raises as :func:`list_declared` does."""
    if kind not in SECTIONS and kind not in SECTIONS.values():
        hint = f"Known: {', '.join(['models', *SECTIONS])}."
        raise UnknownName(f"Expected a kind of thing that the zoo has, got {kind!r}.", hint=hint, value=kind)
    return SECTIONS.get(kind, kind)


def _parameter(each: Parameter) -> dict[str, Any]:
    """Returns a parameter's type, its description and, where it has one, its default."""
    kind = each.kind.__name__ if type(each.kind) is type else str(each.kind).replace("typing.", "")
    told = {"type": kind} | ({} if each.default is MISSING else {"default": plain(each.default)})
    return told | {"help": each.help}


def plain(value: Any) -> Any:
    """Returns a value as lists, dicts and scalars only."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return value
