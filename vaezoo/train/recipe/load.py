"""Reading recipes: a file's settings, and on top of them what the command line says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vaezoo.errors import ConfigError, suggest
from vaezoo.train.recipe.checks import OWN, check_recipe
from vaezoo.train.recipe.digest import flatten, recipe_dict
from vaezoo.train.recipe.settings import DataRecipe, Recipe


def read_recipe(path: Path) -> DictConfig:
    """Returns what a recipe's file says, unchecked.

    Raises:
        ConfigError: The file is not YAML, or no mapping.
    """
    try:
        content = OmegaConf.load(path)
    except Exception as error:  # YAML parsers raise many kinds
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}", value=str(path)) from error
    if not isinstance(content, DictConfig):
        raise ConfigError(f"{path} should hold keys and values, not a list.", value=str(path))
    return content


def resolve(layers: Sequence[tuple[str, Any]], overrides: Sequence[str], path: Path) -> Recipe:
    """Returns the recipe that layers of settings make, each of which changes those before it.

    Args:
        layers: Where settings come from, for messages, and the settings.
        overrides: Those of the command line, as in `vaezoo.train.recipe.load_recipe`; they come last.
        path: The recipe's file, for messages.

    Raises:
        ConfigError: A key that recipes do not have, or a value that does not fit it.
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
        return OmegaConf.from_dotlist(pairs)
    except yaml.YAMLError as error:
        raise ConfigError(f"An override is not YAML: {' '.join(str(error).split())}", value=pairs) from error


def smoke_recipe(recipe: Recipe) -> Recipe:
    """Returns the recipe cut to a few steps, to see that everything works."""
    machine = replace(recipe.machine, log_every=5)
    return replace(recipe, steps=10, epochs=0.0, optimizer=replace(recipe.optimizer, warmup=2), machine=machine)


def _is_folder(pair: str) -> bool:
    """Says whether an override is ``data=FOLDER``, not ``data={...}``."""
    return pair.startswith("data=") and pair[5:6] != "{"


def _cleared(config: Any, told: Any) -> Any:
    """Returns a recipe without what pairs take the place of, where the command line gives pairs."""
    data = told.get("data") or {}
    if not isinstance(data, DictConfig):
        return config  # refused when it is merged
    keys = (["valid"] if data.get("valid_pairs") else []) + (["valid_pairs", *OWN] if data.get("pairs") else [])
    default = DataRecipe()
    return OmegaConf.merge(config, {"data": {key: getattr(default, key) for key in keys}})


@cache
def _defaults() -> Any:
    """Returns the settings of a recipe that says nothing, which merging copies."""
    return OmegaConf.structured(Recipe)


@cache
def _keys() -> frozenset[str]:
    """Returns the keys that recipes have, dotted, and those of their sections."""
    keys = flatten(recipe_dict(Recipe()))
    return frozenset(keys) | {key.rpartition(".")[0] for key in keys if "." in key}


def _merge(base: Any, update: Any, origin: str) -> Any:
    known = _keys()
    for key in flatten(OmegaConf.to_container(update)):  # type: ignore[arg-type]
        if key not in known:
            raise ConfigError(f"Recipes have no key {key!r} ({origin}).", hint=suggest(key, known), value=key)
    try:
        return OmegaConf.merge(base, update)
    except OmegaConfBaseException as error:
        what = f"The value of {error.full_key!r}" if error.full_key else "A value"
        reason = _first_line(error).rstrip(".")
        if "is not a ListConfig" in reason:
            reason = "expected a list, such as [1,2]"
        raise ConfigError(f"{what} ({origin}) does not fit: {reason}.", value=error.full_key) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
