"""A recipe as plain values, and the hash of the settings that affect the weights."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from omegaconf import OmegaConf

from vaezoo.train.recipe.settings import CHOICES, Recipe

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
"""Settings that were added after the first weights. At their defaults they are left out of the hash, so that it stays
the same. A checkpoint without them was made with the defaults."""


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """Returns a recipe as plain nested values, for JSON and for a checkpoint."""
    content: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(recipe), enum_to_str=True)  # type: ignore[assignment]
    return content


def recipe_hash(recipe: Recipe) -> str:
    """Returns the sha256 of all settings that affect the weights: all but ``machine``."""
    content = recipe_dict(recipe)
    del content["machine"]
    for key, default in LATER.items():
        section, _, name = key.rpartition(".")
        place = content[section] if section else content
        if place[name] == default:
            del place[name]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turns nested keys into dotted ones. A choice with settings of its own stays one value."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        dotted = f"{prefix}{key}"
        nested = isinstance(value, dict) and dotted not in CHOICES
        flat |= flatten(value, f"{dotted}.") if nested else {dotted: value}
    return flat
