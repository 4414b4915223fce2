"""What is on the shelf, as declared; what becomes of it is in ``explanation``. No torch."""

from __future__ import annotations

import fnmatch
from dataclasses import asdict, is_dataclass
from typing import Any

from vaezoo.errors import UnknownName, suggest
from vaezoo.host.keeper import Keeper, keeper
from vaezoo.registry.registry import split_name


def list_models(
    pattern: str = "*", *, task: str | None = None, pretrained: bool = False, zoo: Keeper | None = None
) -> list[str]:
    """Returns the names of models, sorted.

    Args:
        pattern: Shell pattern on the name, such as ``"conv-*"``.
        task: Only those for this task, such as ``generate`` or ``denoise``.
        pretrained: Only those with weights, as ``arch.tag``.
        zoo: Where to look; the installed zoo where None.

    Raises:
        UnknownName: No model is for that task.
    """
    registry = (zoo or keeper()).registry
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


def model_info(name: str, *, zoo: Keeper | None = None) -> dict[str, Any]:
    """Returns what is declared of a model: its text, parts and the cards of its weights.

    Args:
        name: ``arch``, ``arch.tag`` or ``plugin/arch``.
        zoo: Where to look; the installed zoo where None.

    Raises:
        UnknownName: Nothing of that name.
    """
    registry = (zoo or keeper()).registry
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


def plain(value: Any) -> Any:
    """Returns a value of lists, dicts and scalars only."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return value
