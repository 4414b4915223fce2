"""``vaezoo.lock``: pins models down to the hashes of their weights, and checks that they are unchanged. No torch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, final

import yaml

from vaezoo.errors import ConfigError, LockMismatch, suggest
from vaezoo.files.atomic import make_folder, write_whole
from vaezoo.files.schema import conform
from vaezoo.files.yaml import parse_yaml, read_yaml
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.registry.cards import Card, card_schema
from vaezoo.registry.entries import HOUSE
from vaezoo.registry.registry import split_name
from vaezoo.zoo.described import describe, plain, versions
from vaezoo.zoo.info import list_models
from vaezoo.zoo.specs import ModelSpec, resolve
from vaezoo.zoo.weights import pick

NAME = "vaezoo.lock"
_HEADER = """\
# Written by `vaezoo lock`; not by hand. vaezoo.create(..., lock=True) and VAEZOO_LOCK=1 hold to it,
# `vaezoo lock --check` says what has changed since.
"""
_TEXT, _OBJECT = {"type": "string"}, {"type": "object"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "format": {"enum": [1], "title": "the format 1, which this vaezoo reads"},
        "vaezoo": _TEXT,
        "models": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "sha256": card_schema()["properties"]["sha256"],
                    "size_bytes": {"type": "integer"},
                    "plugins": {"type": "object", "additionalProperties": _TEXT},
                    "spec": _OBJECT | {"required": ["name", "owner"]},
                },
                "required": ["plugins", "spec"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["format", "vaezoo", "models"],
    "additionalProperties": False,
}
"""Schema of a lock file."""


def entries(names: Iterable[str] = (), *, zoo: Zoo | None = None) -> dict[str, Any]:
    """Returns the present state of models, by ``arch.tag``, or by ``arch`` where a model has no weights.

    Args:
        names: Names of models: ``arch.tag``, or ``arch`` for its default weights. Empty means all weights there are.
        zoo: Zoo to look the names up in. None means the installed zoo.

    Raises:
        VaezooError: A model cannot be made; see :func:`vaezoo.create`.
    """
    kept = zoo or current_zoo()
    found: dict[str, Any] = {}
    for name in names or list_models(pretrained=True, zoo=kept):
        spec = resolve(kept.registry, name)
        tag = split_name(name)[1]
        own = kept.registry.cards_of(spec.model.name, spec.model.source.owner.partition(":")[0])
        card = pick(kept.registry, spec.model.name, tag) if tag or own else None
        found[card.name if card else spec.model.name] = _entry(spec, card, kept)
    return dict(sorted(found.items()))


def write_lock(path: str | Path, names: Iterable[str] = (), *, zoo: Zoo | None = None) -> dict[str, Any]:
    """Writes :func:`entries` to a lock file and returns them. With names, the file's other entries stay.

    Raises:
        ConfigError: The file exists and is not a lock.
        StoreError: The file cannot be written.
        VaezooError: As for :func:`entries`.
    """
    path, names = Path(path), list(names)
    found = entries(names, zoo=zoo)
    old = plain(Lock(path).models, str(path)) if names and path.exists() else {}
    models = dict(sorted({**old, **found}.items()))
    told = {"format": 1, "vaezoo": version(HOUSE), "models": models}
    body = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    text = (_HEADER + body).encode()
    parse_yaml(text)
    make_folder(path.parent)
    write_whole(path, text)
    return found


def _entry(spec: ModelSpec, card: Card | None, zoo: Zoo) -> dict[str, Any]:
    told = describe(spec)
    for key in ("summary", "paper", "differs"):  # descriptions, which do not affect the model
        told.pop(key, None)
    weights = {} if card is None else {"sha256": card.sha256, "size_bytes": card.size_bytes}
    return {**weights, "plugins": versions(spec, zoo), "spec": told}


def lock_path(lock: bool | str | Path | None) -> Path | None:
    """Returns the path of the lock to check against, or None.

    It is the one given, or else the one in ``$VAEZOO_LOCK``, where ``1`` means ``vaezoo.lock`` in the working folder.

    Raises:
        ConfigError: ``lock`` is neither a bool nor a path.
    """
    if lock is None:
        said = os.environ.get("VAEZOO_LOCK", "")
        lock = said.lower() not in ("", "0", "false", "no", "off") and (
            True if said.lower() in ("1", "true", "yes", "on") else said
        )
    if isinstance(lock, bool):
        return Path(NAME) if lock else None
    if not isinstance(lock, str | Path):
        raise ConfigError(f"Expected lock as True, False or a path, got {lock!r}.", value=lock)
    return Path(lock)


@final
class Lock:
    """A lock file that was read.

    Args:
        path: Path of the lock file.

    Raises:
        ConfigError: The file cannot be read, or has an unknown key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        content = read_yaml(path)
        conform(content, SCHEMA, str(path), "the lock")
        self.models: Mapping[str, Any] = content["models"]

    def differences(self, name: str, zoo: Zoo | None = None) -> list[str]:
        """Lists how a locked model differs now, each as ``what: old → new``; empty if it does not.

        Raises:
            LockMismatch: The model is not in the lock.
            VaezooError: The model can no longer be made.
        """
        if name not in self.models:
            self._lacks(name)
        (now,) = entries([name], zoo=zoo).values()
        return _differences(self.models[name], now)

    def hold(self, spec: ModelSpec, card: Card | None, zoo: Zoo) -> None:
        """Raises if a model differs from its entry in the lock.

        Args:
            spec: Specification of the model.
            card: Card of its weights. None for random weights, or for a file of the user's; see :meth:`hold_file`.
            zoo: Zoo whose plugins are compared.

        Raises:
            LockMismatch: The model is not in the lock, or differs. Each difference is named, as old → new.
        """
        own = {name: entry for name, entry in self._entries(spec).items() if card is None or name == card.name}
        what = card.name if card else spec.model.name
        if not own:
            self._lacks(what)
        name, old = next(iter(own.items()))
        new = _entry(spec, card, zoo)
        if found := _differences(old if card else {k: v for k, v in old.items() if k in ("plugins", "spec")}, new):
            self._refuse(name, found)

    def hold_file(self, spec: ModelSpec, sha256: str) -> None:
        """Raises if the hash of the user's weight file is not among those locked for the model.

        Raises:
            LockMismatch: The hash is not in the lock.
        """
        known = [entry["sha256"] for entry in self._entries(spec).values() if "sha256" in entry]
        if sha256 not in known:
            self._refuse(spec.model.name, [f"sha256: {' or '.join(known) or 'none'} → {sha256}"])

    def _entries(self, spec: ModelSpec) -> dict[str, Any]:
        wanted = (spec.model.name, spec.model.source.owner)
        return {n: e for n, e in self.models.items() if (e["spec"]["name"], e["spec"]["owner"]) == wanted}

    def _lacks(self, name: str) -> NoReturn:
        raise LockMismatch(
            f"{self.path} does not have {name!r}.",
            hint=f"{suggest(name, self.models)} Add it by `vaezoo lock {name}`, or create it with lock=False.",
            value=name,
        )

    def _refuse(self, name: str, found: list[str]) -> NoReturn:
        raise LockMismatch(
            f"{name!r} is not as {self.path} says: {'; '.join(found)}.",
            hint="Put back what it was, or write the lock anew by `vaezoo lock`.",
            value=found,
        )


def _differences(old: Any, new: Any, what: str = "") -> list[str]:
    """Lists the leaves in which two trees differ, each as ``path: old → new``."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [*old, *(key for key in new if key not in old)]
        return [d for k in keys for d in _differences(old.get(k), new.get(k), f"{what}.{k}" if what else k)]
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return []
    return [f"{what.removeprefix('spec.')}: {_shown(old)} → {_shown(new)}"]


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):  # a part that only one of the two has
        return str(value.get("name", dict(value)))
    return "nothing" if value is None else str(value)
