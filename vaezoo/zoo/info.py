"""What there is to know of models without building them. No torch."""

from __future__ import annotations

import fnmatch
from dataclasses import asdict, is_dataclass
from typing import Any

from ..errors import UnknownName, suggest
from .keeper import Keeper, keeper
from .registry import split_name
from .specs import ModelSpec, Overrides, resolve


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
        from .weights import pick

        cards = {tag: pick(registry, model.name, tag)}
    body = {key: value for key, value in model.body.items() if key not in ("summary", "task")}
    return {
        "name": model.name,
        "task": model.task,
        "summary": model.summary,
        "owner": model.source.owner,
        "declared": str(model.source),
        **_plain(body),
        "weights": {tag: _plain(asdict(card)) for tag, card in cards.items()},
    }


def explain(name: str, *, overrides: Overrides = (), zoo: Keeper | None = None, **params: Any) -> dict[str, Any]:
    """Returns a composed model as a tree: each part, and each value with its origin. Checks it, builds nothing.

    Args:
        name: As in :func:`vaezoo.create`, as are all the others.
        overrides: Overrides.
        zoo: Where to look.
        **params: Overrides as keywords.

    Raises:
        VaezooError: As :func:`vaezoo.create` does for the same arguments.
    """
    spec = resolve((zoo or keeper()).registry, name, overrides, params)
    slots: dict[str, Any] = {}
    for slot, part in spec.parts.items():
        if part is None:
            slots[slot] = None
            continue
        slots[slot] = {
            "name": part.part.name,
            "owner": part.part.source.owner,
            "target": part.part.target if isinstance(part.part.target, str) else part.part.target.__qualname__,
            "summary": part.part.summary,
            "params": {key: {"value": value.value, "origin": value.origin} for key, value in part.params.items()},
            "facts": _plain(asdict(part.facts)),
        }
    return {
        "name": spec.model.name,
        "declared": str(spec.model.source),
        "encodes": spec.encodes,
        "shared": {key: {"value": value.value, "origin": value.origin} for key, value in spec.shared.items()},
        **slots,
        "python": python_of(spec),
    }


def python_of(spec: ModelSpec) -> str:
    """Returns the Python that builds the same model from its parts."""
    lines, imports = [], {"from vaezoo.core import VAE"}
    for slot in ("conditioner", "encoder", "prior", "decoder"):
        part = spec.parts[slot]
        if part is None:
            continue
        if isinstance(part.part.target, str):
            module, _, called = part.part.target.partition(":")
            imports.add(f"from {module} import {called}")
        else:
            called = part.part.target.__qualname__
        arguments = ", ".join(f"{key}={value!r}" for key, value in part.arguments.items())
        lines.append(f"    {slot}={called}({arguments}),")
    lines += [f"    encodes={spec.encodes!r},", f"    default_size={spec.default_size!r},"]
    return "\n".join([*sorted(imports), "", "model = VAE(", *lines, ")"])


def _plain(value: Any) -> Any:
    """Returns a value of lists, dicts and scalars only."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return value
