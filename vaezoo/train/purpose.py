"""What a trained model is for, where nothing says it: what the data of its training were spoilt by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vaezoo.train.damages.damage import damage_of
from vaezoo.train.recipe import DataRecipe

if TYPE_CHECKING:
    from vaezoo.zoo.create import Origin


def purpose(data: DataRecipe) -> str | None:
    """Returns the task that a model learns from a recipe's data; None where it restores nothing.

    Whole images with noise are not counted: what learns from them is a generative model that noise regularises.
    """
    if not (data.patch and (data.damage or data.sigma[1] or data.pairs)):
        return None
    damage = damage_of(data)
    return damage.task if damage else "denoise"


def with_purpose(origin: Origin, data: DataRecipe) -> Origin:
    """Returns how a model was made, with the task that it learned where its declaration says none.

    So `vaezoo.enhance` takes a model that was trained to restore, though the one of the zoo that it was made from is
    generative.
    """
    declared, task = origin.spec.model, purpose(data)
    if task is None or "task" in declared.body:
        return origin
    model = replace(declared, body={**declared.body, "task": task})
    return replace(origin, spec=replace(origin.spec, model=model))
