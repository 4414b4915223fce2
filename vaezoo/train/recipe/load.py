"""Reading recipes: the settings of a file, and on top of them those of the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vaezoo.errors import ConfigError, suggest
from vaezoo.files.reading import read_regular
from vaezoo.files.yaml import LARGEST, check_plain
from vaezoo.registry.configured import choice_of
from vaezoo.train.recipe.checks import OWN, check_recipe
from vaezoo.train.recipe.digest import flatten, recipe_dict
from vaezoo.train.recipe.settings import CHOICES, DataRecipe, Recipe


def read_recipe(path: Path) -> DictConfig:
    """Reads a recipe's file, unchecked.

    Raises:
        ConfigError: The file cannot be read, is not YAML, has anchors, tags or ``${…}``, or is not a mapping.
    """
    try:
        text = read_regular(path, LARGEST).decode()
        check_plain(text)
        content = OmegaConf.create(text)
    except ConfigError as error:
        raise ConfigError(f"{path}, {error}", value=error.value) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", value=str(path)) from error
    except Exception as error:  # YAML parsers raise many kinds
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}", value=str(path)) from error
    if not isinstance(content, DictConfig):
        raise ConfigError(f"{path} should hold keys and values, not a list.", value=str(path))
    return content


def resolve(layers: Sequence[tuple[str, Any]], overrides: Sequence[str], path: Path) -> Recipe:
    """Merges layers of settings into a recipe. Each layer changes those before it.

    Args:
        layers: Settings, each with its origin for error messages.
        overrides: Settings of the command line, as for `vaezoo.train.recipe.load_recipe`. They come last.
        path: File of the recipe, for error messages.

    Raises:
        ConfigError: A key is unknown, or a value does not fit its key.
    """
    config = _defaults()
    for origin, layer in layers:
        config = _merge(config, layer, origin)
    told = _told(overrides)
    config = _merge(_cleared(config, told), told, "the command line")
    try:
        recipe = cast(Recipe, OmegaConf.to_object(config))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path} cannot be resolved: {_first_line(error)}", value=str(path)) from error
    for key, kind in CHOICES.items():
        section, _, field = key.rpartition(".")
        name, settings = choice_of(kind, attrgetter(key)(recipe))
        setattr(getattr(recipe, section), field, {"name": name, **settings} if settings else name)
    check_recipe(recipe)
    return recipe


def _told(overrides: Sequence[str]) -> Any:
    """Returns the settings of the command line."""
    for pair in overrides:
        if not pair.partition("=")[0] or "=" not in pair:
            raise ConfigError(f"An override is key=value, not {pair!r}.", value=pair)
    own = any(_is_folder(pair) for pair in overrides)
    pairs = ["data.valid=[]"] * own + [
        f"data.sets=[{json.dumps(pair[5:])}]" if _is_folder(pair) else pair for pair in overrides
    ]
    try:
        for pair in pairs:
            check_plain(pair.partition("=")[2])
        return OmegaConf.from_dotlist(pairs)
    except yaml.YAMLError as error:
        raise ConfigError(f"An override is not YAML: {' '.join(str(error).split())}", value=pairs) from error


def smoke_recipe(recipe: Recipe) -> Recipe:
    """Returns the recipe shortened to a few steps, for a quick test that everything works."""
    machine = replace(recipe.machine, log_every=5)
    return replace(recipe, steps=10, epochs=0.0, optimizer=replace(recipe.optimizer, warmup=2), machine=machine)


def _is_folder(pair: str) -> bool:
    """Says whether an override is ``data=FOLDER`` and not ``data={...}``."""
    return pair.startswith("data=") and pair[5:6] != "{"


def _cleared(config: Any, told: Any) -> Any:
    """Returns a recipe without the settings that pairs replace, if the command line gives pairs."""
    data = told.get("data") or {}
    if not isinstance(data, DictConfig):
        return config  # merging refuses it later
    keys = (["valid"] if data.get("valid_pairs") else []) + (["valid_pairs", *OWN] if data.get("pairs") else [])
    default = DataRecipe()
    return OmegaConf.merge(config, {"data": {key: getattr(default, key) for key in keys}})


@cache
def _defaults() -> Any:
    """Returns the default settings of a recipe. Merging copies them."""
    return OmegaConf.structured(Recipe)


@cache
def _keys() -> frozenset[str]:
    """Returns all keys of recipes, dotted, with those of their sections."""
    keys = flatten(recipe_dict(Recipe()))
    return frozenset(keys) | {key.rpartition(".")[0] for key in keys if "." in key}


def _merge(base: Any, update: Any, origin: str) -> Any:
    known = _keys()
    for key in flatten(OmegaConf.to_container(update)):  # type: ignore[arg-type]
        if key not in known:
            raise ConfigError(f"Recipes have no key {key!r} ({origin}).", hint=suggest(key, known), value=key)
    try:
        return OmegaConf.merge(_ready(base, update), update)
    except OmegaConfBaseException as error:
        what = f"The value of {error.full_key!r}" if error.full_key else "A value"
        reason = _first_line(error).rstrip(".")
        if "is not a ListConfig" in reason:
            reason = "expected a list, such as [1,2]"
        raise ConfigError(f"{what} ({origin}) does not fit: {reason}.", value=error.full_key) from error


def _ready(base: Any, update: Any) -> Any:
    """Returns a recipe that is ready for an update: where that makes another choice, the old settings are dropped."""
    before, told = (flatten(OmegaConf.to_container(config)) for config in (base, update))  # type: ignore[arg-type]
    ready = {}
    for key in CHOICES:
        if isinstance(change := told.get(key), dict):
            own = before[key] if isinstance(before[key], dict) else {"name": before[key]}
            ready[key] = own if change.get("name", own["name"]) == own["name"] else {}
    base = deepcopy(base) if ready else base  # it may be the defaults, which are shared
    for key, value in ready.items():
        OmegaConf.update(base, key, value, merge=False)
    return base


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
