"""A recipe as plain values, and the hash of what in it decides the weights."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from omegaconf import OmegaConf

from vaezoo.train.recipe.settings import Recipe

LATER = {
    "optimizer.kind": "adamw",
    "optimizer.schedule": "cosine",
    "grow": False,
    "shed": False,
    "only": [],
    "data.style": "",
    "data.style_colour": False,
    "data.sigma_power": 1.0,
    "data.camera": 0.0,
    "data.told": 0.0,
    "data.gray_share": 0.0,
    "data.grain": 0.0,
    "data.damage": "",
    "data.quality": [5.0, 95.0],
    "data.factors": [2, 3, 4],
    "data.light": [0.05, 0.5],
    "data.electrons": [1000.0, 16000.0],
    "data.reach": 12,
    "data.pairs": [],
    "data.valid_pairs": [],
}
"""Settings that came after the first weights. At their defaults they are no part of the hash, so it stays; a checkpoint
that knows nothing of them was made with these."""


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """Returns a recipe as plain nested values, fit for JSON and for a checkpoint."""
    content: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(recipe), enum_to_str=True)  # type: ignore[assignment]
    return content


def recipe_hash(recipe: Recipe) -> str:
    """Returns the sha256 of everything in a recipe that decides the weights: all but ``machine``."""
    content = recipe_dict(recipe)
    del content["machine"]
    for key, default in LATER.items():
        section, _, name = key.rpartition(".")
        place = content[section] if section else content
        if place[name] == default:
            del place[name]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested keys as dotted ones."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
