"""Recipes: all settings that decide which weights a training gives, and settings of the machine that do not.

Torch is not imported here. `vaezoo.train.data` and `vaezoo.train.loop` act on the settings.
"""

from functools import partial

from vaezoo.moved import former
from vaezoo.train.recipe.digest import LATER, flatten, recipe_dict, recipe_hash
from vaezoo.train.recipe.find import find_recipe, recipe_names
from vaezoo.train.recipe.load import smoke_recipe
from vaezoo.train.recipe.settings import (
    DataRecipe,
    MachineRecipe,
    OptimizerKind,
    OptimizerRecipe,
    Precision,
    Recipe,
)
from vaezoo.train.recipe.stages import Stage, load_recipe, load_stage, load_stages

__all__ = [
    "LATER",
    "DataRecipe",
    "MachineRecipe",
    "OptimizerKind",
    "OptimizerRecipe",
    "Precision",
    "Recipe",
    "Stage",
    "find_recipe",
    "flatten",
    "load_recipe",
    "load_stage",
    "load_stages",
    "recipe_dict",
    "recipe_hash",
    "recipe_names",
    "smoke_recipe",
]


__getattr__ = partial(former, __name__)
