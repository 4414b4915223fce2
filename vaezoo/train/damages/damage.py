"""The base class of damages, and the lookup of the damage that a recipe names. No torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from vaezoo.errors import ConfigError, TrainingError
from vaezoo.host.kinds import chosen

if TYPE_CHECKING:
    import numpy as np

    from vaezoo.data.sets import Images
    from vaezoo.train.damages.photos import Cut, Pair
    from vaezoo.train.data import Source
    from vaezoo.train.recipe import DataRecipe

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]
    Values = np.ndarray[Any, np.dtype[np.float32]]


class Damage:
    """Damage that training does to patches.

    A subclass overrides :meth:`spoil`, or :meth:`source` to make whole batches.

    Args:
        data: Settings of the recipe's data.
        config: Settings of the damage, for a subclass that annotates ``config`` with a frozen dataclass.

    Attributes:
        config: Settings of the damage.
        task: Task that undoes the damage. It becomes the task of a trained model whose declaration names none.
        takes_noise: Whether the recipe's noise, ``data.sigma``, may be added. Otherwise a recipe with both is refused.
        tells: Whether the damage itself gives the model a level, for a share ``data.told`` of the patches.
        shrinks: Whether the input of the model is smaller than its target.
    """

    task: ClassVar[str] = "denoise"
    takes_noise: ClassVar[bool] = False
    tells: ClassVar[bool] = False
    shrinks: ClassVar[bool] = False

    config: Any

    def __init__(self, data: DataRecipe, config: Any = None) -> None:
        self.data, self.config = data, config

    @property
    def margin(self) -> int:
        """Number of pixels by which the sides of a damaged region exceed those of the patch."""
        return 0

    def check(self) -> None:
        """Raises if settings of the recipe do not go with the damage.

        Raises:
            ConfigError: Such a setting was found.
        """

    def spoil(self, region: Pixels, rng: np.random.Generator) -> tuple[Values, tuple[int, int]]:
        """Damages a region.

        Args:
            region: Region, uint8 (H, W, C): a patch with the margin. It must not be written to.
            rng: Random generator; the only source of randomness, so that runs can be repeated.

        Returns:
            Damaged region, float32 in [0, 1], (H, W, C) or smaller, with the row and column of the patch's first pixel.
        """
        raise _unfinished(type(self))

    def source(self, images: tuple[Images, ...], seed: int) -> Source:
        """Returns the source of the loop's batches; see `vaezoo.train.data.Source`.

        Args:
            images: Images of the data sets.
            seed: Random seed of all draws.
        """
        from vaezoo.train.data import Patches

        return Patches(images, self.data, seed)


class PairDamage(Damage):
    """A damage that makes both images of a pair, and the level for the model. A subclass overrides :meth:`pair`."""

    tells = True

    def pair(self, cut: Cut, largest: int, rng: np.random.Generator) -> Pair:
        """Returns the input of the model, its target, and the level that the model is told.

        Args:
            cut: Function that returns a random region (side, side, C) of an image, for a side up to ``largest``.
            largest: Largest side, in pixels.
            rng: Random generator; the only source of randomness.
        """
        raise _unfinished(type(self))


class FunctionDamage(Damage):
    """A damage given by a function of a patch.

    Args:
        data: Settings of the recipe's data.
        name: Name that was asked for.
        function: Function from a patch (P, P, C), uint8, and a generator to the damaged patch, (P, P, C) in [0, 1].
        settings: Keyword arguments for each call, such as the configuration.
    """

    def __init__(self, data: DataRecipe, name: str, function: Callable[..., Values], **settings: Any) -> None:
        super().__init__(data, **settings)
        self.name, self.function, self.settings = name, function, settings

    def spoil(self, region: Pixels, rng: np.random.Generator) -> tuple[Values, tuple[int, int]]:
        """See :meth:`Damage.spoil`.

        Raises:
            TrainingError: The function did not return values in [0, 1] of the patch's size.
        """
        values = self.function(region, rng, **self.settings)
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
    """Returns the damage that a recipe names; None if it names none.

    Raises:
        UnknownName: The damage is unknown.
        ConfigError: The declared object is neither a function nor a class that inherits `Damage`. Or the class
            overrides no method that damages, or has no such setting.
        VaezooError: As for `vaezoo.host.kinds.chosen`.
    """
    if not data.damage:
        return None
    name, found, settings = chosen("damage", data.damage)
    if isinstance(found, type) and issubclass(found, Damage):
        check_damage(found)
        return found(data, **settings)
    if isinstance(found, type) or not callable(found):
        message = f"Expected the damage {name!r} to be a function or a class that inherits Damage, got {found!r}."
        raise ConfigError(message, value=found)
    return FunctionDamage(data, name, found, **settings)


def check_damage(found: type[Damage]) -> None:
    """Raises if a class does not say how it damages.

    Raises:
        ConfigError: The class overrides neither `Damage.source` nor `Damage.spoil` (for pairs: `PairDamage.pair`).
    """
    makes = found.pair is not PairDamage.pair if issubclass(found, PairDamage) else found.spoil is not Damage.spoil
    if not makes and found.source is Damage.source:
        raise _unfinished(found)


def _unfinished(found: type[Damage]) -> ConfigError:
    needed = "pair" if issubclass(found, PairDamage) else "spoil"
    message = f"The damage {found.__qualname__} overrides neither {needed} nor source, so it damages nothing."
    return ConfigError(message, hint=f"Define {needed}; its docstring says what it returns.", value=found)
