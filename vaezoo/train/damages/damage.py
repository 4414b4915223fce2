"""The class that every damage inherits, and the one that a recipe asks for by name. No torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from vaezoo.errors import ConfigError, TrainingError
from vaezoo.host.kinds import find

if TYPE_CHECKING:
    import numpy as np

    from vaezoo.data.sets import Images
    from vaezoo.train.damages.photos import Cut, Pair
    from vaezoo.train.data import Source
    from vaezoo.train.recipe import DataRecipe

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]
    Values = np.ndarray[Any, np.dtype[np.float32]]


class Damage:
    """What training does to patches. A subclass overrides :meth:`spoil`, or for more than that :meth:`source`.

    Args:
        data: The recipe's settings.

    Attributes:
        task: What undoes it, for a trained model whose declaration names no task.
        takes_noise: Whether the recipe's noise, ``data.sigma``, may come on top; else a recipe with both is refused.
        tells: Whether it tells the model a level itself, of a share ``data.told`` of the patches.
        shrinks: Whether what the model sees is smaller than what it should make of it.
    """

    task: ClassVar[str] = "denoise"
    takes_noise: ClassVar[bool] = False
    tells: ClassVar[bool] = False
    shrinks: ClassVar[bool] = False

    def __init__(self, data: DataRecipe) -> None:
        self.data = data

    @property
    def margin(self) -> int:
        """How many more pixels a side than a patch's the regions have that are spoilt."""
        return 0

    def check(self) -> None:
        """Refuses settings of the recipe that make no sense with it.

        Raises:
            ConfigError: There are some.
        """

    def spoil(self, region: Pixels, rng: np.random.Generator) -> tuple[Values, tuple[int, int]]:
        """Returns a region as it is after the damage, and where in it the patch begins.

        Args:
            region: uint8 (H, W, C), a patch and the margin; not to be written to.
            rng: The only source of randomness, so that a run can be repeated.

        Returns:
            float32 in [0, 1], (H, W, C) or smaller, and the row and column of the patch's first pixel.
        """
        raise NotImplementedError(f"{type(self).__name__} overrides neither spoil nor source")

    def source(self, images: tuple[Images, ...], seed: int) -> Source:
        """Returns where the loop gets its batches from; see `vaezoo.train.data.Source`.

        Args:
            images: The pictures.
            seed: Random seed for what is drawn.
        """
        from vaezoo.train.data import Patches

        return Patches(images, self.data, seed)


class PairDamage(Damage):
    """A damage that makes both pictures of a pair, and may tell the model of it; overrides :meth:`pair`."""

    tells = True

    def pair(self, cut: Cut, largest: int, rng: np.random.Generator) -> Pair:
        """Returns what the model sees, what it should make of it, and what it is told.

        Args:
            cut: Gives a random region (side, side, C) of one picture, of a side up to ``largest``.
            largest: Pixels.
            rng: The only source of randomness.
        """
        raise NotImplementedError(f"{type(self).__name__} does not override pair")


class FunctionDamage(Damage):
    """A damage that is a function of a patch.

    Args:
        data: The recipe's settings.
        name: What it was asked for as.
        function: From a patch (P, P, C), uint8, and a generator to the damaged one, (P, P, C) in [0, 1].
    """

    def __init__(self, data: DataRecipe, name: str, function: Callable[[Pixels, np.random.Generator], Values]) -> None:
        super().__init__(data)
        self.name, self.function = name, function

    def spoil(self, region: Pixels, rng: np.random.Generator) -> tuple[Values, tuple[int, int]]:
        """See :meth:`Damage.spoil`.

        Raises:
            TrainingError: The function returned something else than values in [0, 1] of the patch's size.
        """
        values = self.function(region, rng)
        shape = getattr(values, "shape", None)
        if shape != region.shape or not (values.min() >= 0 and values.max() <= 1):
            came = f"{values.min():g} to {values.max():g}" if shape == region.shape else f"{shape or values!r}"
            raise TrainingError(
                f"Expected the damage {self.name!r} to return {region.shape} in [0, 1], got {came}.",
                hint="Divide by 255, and clip.",
                value=came,
            )
        return values, (0, 0)


def damage_of(data: DataRecipe) -> Damage | None:
    """Returns the damage that a recipe asks for, None where it asks for none.

    Raises:
        UnknownName: There is no such damage.
        ConfigError: What is declared under its name is neither a function nor a class that inherits `Damage`.
        VaezooError: As `vaezoo.host.kinds.find`.
    """
    if not data.damage:
        return None
    found = find("damage", data.damage)
    if isinstance(found, type) and issubclass(found, Damage):
        return found(data)
    if isinstance(found, type) or not callable(found):
        message = (
            f"Expected the damage {data.damage!r} to be a function or a class that inherits Damage, got {found!r}."
        )
        raise ConfigError(message, value=found)
    return FunctionDamage(data, data.damage, found)
