"""A weight's card: what it is, where it came from, what it scores, how to tell that it is still itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import ConfigError
from .yaml import Lined

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.[A-Za-z0-9][A-Za-z0-9_-]*")
"""It becomes part of file names, so nothing in it may lead elsewhere."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Card:
    """What is known of one weight file.

    Attributes:
        name: ``arch.tag``.
        urls: Where it is, tried in order: ``pkg://package/path``, ``file:///path``, ``https://host/path`` or
            ``hf://organisation/repository@revision/path``.
        sha256: Of the file.
        size_bytes: Of the file.
        licence: Of the weights.
        data: Training data: name, licence and sha256 of each.
        recipe: Name of its recipe.
        recipe_sha256: Hash of the recipe as resolved for the run.
        command: What trained it.
        seed: Of the run.
        steps: Optimiser steps.
        hardware: What it ran on.
        cpu_hours: Processor hours spent.
        scores: Name to value, with the protocol in ``protocol``.
        protocol: What the scores mean, and the command that reproduces them.
        probe: Fingerprint of a seeded input's output, see :mod:`vaezoo.zoo.probe`.
        notes: Anything else, such as earlier runs it started from.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    size_bytes: int
    licence: str
    data: tuple[Mapping[str, Any], ...]
    recipe: str
    recipe_sha256: str
    command: str
    seed: int
    steps: int
    hardware: str
    cpu_hours: float
    scores: Mapping[str, Any] = field(default_factory=dict)
    protocol: str = ""
    probe: tuple[float, ...] = ()
    notes: str = ""


_NEEDED = tuple(f.name for f in fields(Card) if f.name not in ("name", "scores", "protocol", "probe", "notes"))


def card_from(name: str, body: Lined, where: str) -> Card:
    """Returns the card that a registry file declares.

    Args:
        name: ``arch.tag``.
        body: The mapping under that name.
        where: File and line, for messages.

    Raises:
        ConfigError: A key is unknown or missing, or a value is of the wrong kind.
    """
    body.check({f.name for f in fields(Card)} - {"name"}, where, _NEEDED)
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{where}: expected a weight's name as arch.tag, got {name!r}.", value=name)
    if not isinstance(body["sha256"], str) or not _SHA256.fullmatch(body["sha256"]):
        raise ConfigError(
            f"{where}: expected sha256 as 64 hexadecimal digits, got {body['sha256']!r}.", value=body["sha256"]
        )
    kinds: dict[str, type | tuple[type, ...]] = {
        "urls": list,
        "data": list,
        "scores": dict,
        "probe": list,
        "size_bytes": int,
        "seed": int,
        "steps": int,
        "cpu_hours": (int, float),
    }
    for key, value in body.items():
        kind = kinds.get(key, str)
        if not isinstance(value, kind):
            raise ConfigError(
                f"{where}: expected {key} as {getattr(kind, '__name__', 'a number')}, got {value!r}.", value=value
            )
    items: dict[str, type | tuple[type, ...]] = {"urls": str, "data": dict, "probe": (int, float)}
    for key, kind in items.items():
        wrong = [item for item in body.get(key, ()) if not isinstance(item, kind)]
        if wrong:
            kind_name = getattr(kind, "__name__", "a number")
            raise ConfigError(f"{where}: expected each of {key} as {kind_name}, got {wrong[0]!r}.", value=wrong[0])
    lists = {key: tuple(value) for key, value in body.items() if isinstance(value, list)}
    return Card(name=name, **{**body, **lists})
