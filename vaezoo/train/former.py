"""What constants and functions meant before damages had names. `vaezoo.moved` hands them out, with a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from vaezoo.errors import VaezooError
from vaezoo.host.kinds import find, names_of
from vaezoo.train.damages.damage import Damage, PairDamage, damage_of
from vaezoo.train.recipe import DataRecipe


def _classes() -> Iterator[tuple[str, type[Damage]]]:
    for name in names_of("damage"):
        with suppress(VaezooError):
            found = find("damage", name)
            if isinstance(found, type) and issubclass(found, Damage):
                yield name, found


def damages() -> tuple[str, ...]:
    """Returns the names of all damages."""
    return tuple(names_of("damage"))


def reductions() -> tuple[str, ...]:
    """Returns the names of the damages that make images smaller."""
    return tuple(name for name, found in _classes() if found.shrinks)


def tasks() -> dict[str, str]:
    """Returns the task that undoes a damage, by its name; without those that denoising undoes."""
    return {name: found.task for name, found in _classes() if found.task != "denoise"}


def draw() -> Any:
    """Returns the type of a function that damages."""
    return Callable[..., Any]


def pair_draws() -> dict[str, Callable[..., Any]]:
    """Returns the functions (cut, largest, rng, data) that make a pair, by the name of the damage."""
    return {name: partial(_pair, found) for name, found in _classes() if issubclass(found, PairDamage)}


def _pair(found: type[PairDamage], cut: Any, largest: int, rng: Any, data: DataRecipe) -> Any:
    return found(data).pair(cut, largest, rng)


def margin_and_draw() -> Callable[[DataRecipe], tuple[int, Callable[..., Any]] | None]:
    """Returns the function that told the margin and the drawing of a recipe's damage."""

    def told(data: DataRecipe) -> tuple[int, Callable[..., Any]] | None:
        damage = damage_of(data)
        if damage is None or type(damage).spoil is Damage.spoil:
            return None
        return damage.margin, damage.spoil

    return told
