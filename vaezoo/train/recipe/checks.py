"""Checks of a recipe for values that have the right type but make no sense."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from vaezoo.errors import ConfigError
from vaezoo.host.beliefs import refuse_references
from vaezoo.host.kinds import check_choice
from vaezoo.train.damages.damage import damage_of
from vaezoo.train.recipe.settings import CHOICES, DataRecipe, Recipe
from vaezoo.zoo.specs import pairs

_LEAST = {
    "steps": 0,
    "epochs": 0,
    "data.patch": 0,
    "optimizer.lr": 0,
    "optimizer.final_lr": 0,
    "optimizer.warmup": 0,
    "optimizer.weight_decay": 0,
    "optimizer.clip": 0,
    "patience": 1,
    "valid_every": 1,
    "machine.log_every": 1,
    "machine.checkpoint_minutes": 0,
}


def check_recipe(recipe: Recipe) -> None:
    """Raises for values that have the right type but make no sense."""

    def refuse(key: str, expected: str, value: Any) -> None:
        raise ConfigError(f"{key} should be {expected}, not {value!r}.", value=value)

    if not recipe.model:
        refuse("model", "the name of a model", recipe.model)
    if (recipe.steps > 0) == (recipe.epochs > 0):
        refuse("steps or epochs", "one of the two, above zero", (recipe.steps, recipe.epochs))
    if not (recipe.data.sets or recipe.data.pairs):
        refuse("data.sets", "the names of data sets or paths of pictures, such as data=FOLDER", recipe.data.sets)
    if recipe.batch < 1 or recipe.accumulate < 1 or recipe.batch % recipe.accumulate:
        refuse("batch", "a positive multiple of accumulate", (recipe.batch, recipe.accumulate))
    for key, pair, low, high in (
        ("data.sigma", recipe.data.sigma, 0.0, 255.0),
        ("data.scale", recipe.data.scale, 0.05, 1.0),
        ("data.quality", recipe.data.quality, 1.0, 100.0),
        ("data.light", recipe.data.light, 0.001, 1.0),
        ("data.electrons", recipe.data.electrons, 1.0, 1e6),
        ("optimizer.betas", recipe.optimizer.betas, 0.0, 0.99999),
    ):
        if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
            refuse(key, f"two ascending numbers within {low:g} and {high:g}", pair)
    if recipe.data.style not in ("", "class", "code", "reference"):
        refuse("data.style", "class, code, reference or nothing", recipe.data.style)
    if recipe.data.style and (recipe.data.patch or recipe.data.binarise or recipe.data.sigma[1]):
        refuse("data.style", "without patch, binarise and sigma", recipe.data.style)
    for key, value in pairs(recipe.overrides):
        refuse_references(value, "The recipe", key)
    for key in ("optimizer.kind", "optimizer.schedule"):
        check_choice(CHOICES[key], attrgetter(key)(recipe))
    _check_pairs(recipe.data, refuse)
    _check_damage(recipe.data, refuse)
    for key, least in _LEAST.items():
        if not least <= (value := attrgetter(key)(recipe)) < float("inf"):
            refuse(key, f"a number of at least {least:g}", value)
    if not 0.0 <= recipe.ema < 1.0:
        refuse("ema", "at least 0 and below 1", recipe.ema)


OWN = {
    "sets": "Set data.sets=[].",
    "valid": "Set data.valid=[], and data.valid_pairs=[NOISY,CLEAN] for the validation loss.",
    "damage": "Set data.damage=''.",
    "sigma": "Set data.sigma=[0,0].",
    "camera": "Set data.camera=0.",
    "grain": "Set data.grain=0.",
}
"""Settings that pairs (`DataRecipe.pairs`) replace, and what to do if a recipe has them too."""


def _check_pairs(data: DataRecipe, refuse: Callable[[str, str, Any], None]) -> None:
    for key, paths in (("data.pairs", data.pairs), ("data.valid_pairs", data.valid_pairs)):
        if paths and len(paths) != 2:
            refuse(key, "two folders or zips of pictures with the same names, [NOISY,CLEAN]", paths)
        if paths and not data.patch:
            refuse(key, "used with a patch, such as data.patch=128", paths)
    default = DataRecipe()
    for name, hint in OWN.items():
        if data.pairs and (value := getattr(data, name)) != getattr(default, name):
            message = f"data.pairs replaces data.{name}, but that is {value!r}."
            raise ConfigError(message, hint=hint, value=value)
    if data.valid and data.valid_pairs:
        message = f"data.valid_pairs replaces data.valid, but that is {data.valid!r}."
        raise ConfigError(message, hint="Set data.valid=[].", value=data.valid)
    if data.valid_pairs and (damage := damage_of(data)) and damage.shrinks:
        refuse(
            "data.valid_pairs", f"used without the damage {data.damage!r}, whose pictures are smaller", data.valid_pairs
        )


def _check_damage(data: DataRecipe, refuse: Callable[[str, str, Any], None]) -> None:
    for name in ("told", "gray_share", "camera", "grain"):
        if not 0.0 <= (share := getattr(data, name)) <= 1.0:
            refuse(f"data.{name}", "between 0 and 1", share)
    if data.grain and not data.patch:
        refuse("data.grain", "above 0 only with a patch", data.grain)
    damage = damage_of(data)
    if damage and not data.patch:
        refuse("data.damage", "used with a patch", data.damage)
    if damage and not damage.takes_noise and data.sigma[1]:
        refuse("data.damage", "used without sigma", data.damage)
    if data.reach < 4:
        refuse("data.reach", "at least 4 pixels", data.reach)
    if not data.factors or not {2, 3, 4} >= set(data.factors):
        refuse("data.factors", "some of 2, 3 and 4", data.factors)
    tells = data.pairs or (damage and damage.tells)
    for key, share in (("data.told", 0 if tells else data.told), ("data.camera", data.camera)):
        if share and not (data.patch and data.sigma[1]):
            refuse(key, "above 0 only with a patch and sigma", share)
    if not 0 < data.sigma_power < float("inf"):
        refuse("data.sigma_power", "a number above 0", data.sigma_power)
    if damage:
        damage.check()
