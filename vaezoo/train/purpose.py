"""The task of a trained model whose declaration names none, from the damage of its training data."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vaezoo.moved import former
from vaezoo.train.damages.damage import damage_of
from vaezoo.train.recipe import DataRecipe

if TYPE_CHECKING:
    from vaezoo.zoo.create import Origin


def purpose(data: DataRecipe) -> str | None:
    """Returns the task that a model learns from a recipe's data; None if it learns no restoration.

    Whole images with noise do not count: they train a generative model, with noise as a regulariser.
    """
    if not (data.patch and (data.damage or data.sigma[1] or data.pairs)):
        return None
    damage = damage_of(data)
    return damage.task if damage else "denoise"


def with_purpose(origin: Origin, data: DataRecipe) -> Origin:
    """Returns a model's origin with the learned task, if its declaration names none.

    So `vaezoo.enhance` accepts a model that was trained to restore, although it was made from a generative model of the
    zoo.
    """
    declared, task = origin.spec.model, purpose(data)
    if task is None or "task" in declared.body:
        return origin
    model = replace(declared, body={**declared.body, "task": task})
    return replace(origin, spec=replace(origin.spec, model=model))


__getattr__ = partial(former, __name__)
