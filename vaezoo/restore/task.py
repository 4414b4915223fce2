"""Tasks: what is done to an image, from a user's image through a model and back, and how it is measured.

Plugins declare tasks; see `vaezoo.registry.kinds`. `vaezoo.restore.restorer` runs a model over a large image.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from vaezoo.errors import ConfigError, PluginError, VaezooError
from vaezoo.host.kinds import find, names_of
from vaezoo.host.manager import current_zoo
from vaezoo.registry.kinds import KINDS
from vaezoo.registry.options import options_of

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.restore.restorer import Restoration, Restorer

LARGEST_STRENGTH = 3.0
Progress = Callable[[int, int], None]
"""Callback that receives the number of finished tiles and the number of all tiles."""


class Example(NamedTuple):
    """A damaged image of a benchmark.

    Attributes:
        x: Clean image, (1, C, H, W) in [0, 1], cropped if the protocol says so.
        y: Degraded image, as a user would have it. It has another size if the task changes the size.
        task: Task that restores it, with the options that the protocol tells.
    """

    x: Tensor
    y: Tensor
    task: Task


class Task(ABC):
    """A task: something to do to an image. Its options are the fields of its dataclass.

    ``vaezoo enhance`` has an option for each field that a command line can express: numbers, texts, flags, a
    ``Literal``, paths. The help is the first sentence about the field under ``Attributes`` in the docstring.

    Attributes:
        name: Short name, as in registries and on the command line.
        model: Default model.
        data: Test set of the protocol.
        gray: Whether the protocol uses luma only.
        word: Word for the level, for names such as ``psnr_db_sigma15``.
        unit: Name of the level for people, with its unit.
        levels: Levels of the protocol.
        protocol: Description of the protocol for cards: the damage, and which values of an image are compared.
        draws: Whether the task can draw samples of its model.
        states: Whether the task gives a standard deviation if its model predicts one.
        also: Names of further models that the task uses.
    """

    name: ClassVar[str]
    model: ClassVar[str]
    data: ClassVar[str]
    gray: ClassVar[bool] = False
    word: ClassVar[str]
    unit: ClassVar[str]
    levels: ClassVar[tuple[float, ...]]
    protocol: ClassVar[str] = ""
    draws: ClassVar[bool] = True
    states: ClassVar[bool] = True
    also: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """Restores one image.

        Args:
            restorer: Restorer with a model for the task.
            y: Degraded image (1, C, H, W) in [0, 1].
            progress: Callback that receives the number of finished tiles and the number of all tiles.

        Raises:
            ShapeError: The image or an option does not fit.
        """

    def of_file(self, path: str | PathLike[str]) -> Task:
        """Returns the task with what it needs from the image's file beside the pixels. Most tasks need nothing.

        Raises:
            ImageError: The file lacks what the task needs.
        """
        return self

    @property
    def apart(self) -> bool:
        """Whether the task has separate strengths for parts of the image, and so takes the common strength too."""
        return False

    def stronger(self, strength: float, restorer: Restorer) -> Task:
        """Returns the task with another strength: above 1, or any for a task that is ``apart``.

        Args:
            strength: Strength; above 1, or any if the task is ``apart``.
            restorer: Restorer with the model.

        Raises:
            ConfigError: The task or the model does not support the strength.
        """
        raise ConfigError(
            f"Strength is 0 to 1 for the task {self.name!r}, not {strength}.",
            hint="Only denoising by a model that is told the noise level goes further.",
            value=strength,
        )

    @classmethod
    def fitting(cls, options: Mapping[str, Any]) -> type[Task]:
        """Returns the class that does the task with these options: this one, or another if options are missing."""
        return cls

    @classmethod
    @abstractmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """Damages a clean image as the protocol does.

        Args:
            x: Clean image (1, C, H, W) in [0, 1].
            level: Level of the damage; see ``unit``.
            index: Index of the image in its set. It seeds the damage.
        """

    @classmethod
    def compared(cls, image: Tensor, level: float) -> Tensor:
        """Returns the part of a result or a clean image (1, C, H, W) that the protocol compares."""
        return image


def task_class(name: str) -> type[Task]:
    """Returns the class of a task by name, or by ``plugin/name``.

    Raises:
        UnknownName: No task has the name.
        DuplicateName: Two plugins have the name.
        PluginError: The declared object is not a task, or its module does what no plugin may do.
        BackendUnavailable: The task cannot be imported.
    """
    found = find("task", name)
    if not (isinstance(found, type) and issubclass(found, Task) and is_dataclass(found)):
        message = f"Expected the task {name!r} as {KINDS['task'].target}, got {found!r}."
        raise PluginError(message, hint="Ask its author.", value=found)
    return found


def all_tasks() -> dict[str, type[Task]]:
    """Returns all tasks by name, or ``plugin/name`` if two plugins share it. Omits those that cannot be imported."""
    shelf, found = current_zoo().registry.kinds["task"], dict[str, type[Task]]()
    for name, owner, _ in shelf.all():
        label = shelf.label(name, owner)
        with suppress(VaezooError):
            found[label] = task_class(label)
    return found


def purpose_of(model: object) -> str | None:
    """Returns the name of the task that a model of the zoo was made for; None if unknown."""
    purpose: str | None = getattr(_declared(model), "task", None)
    return purpose


def weights_tag(model: object) -> str | None:
    """Returns the tag of a model's weights, such as ``open``; None if they are not of the zoo."""
    weights = getattr(getattr(model, "origin", None), "weights", None)
    name: str = getattr(getattr(weights, "card", None), "name", "")
    return name.rpartition(".")[2] or None


def is_generative(model: object) -> bool:
    """Says whether a model of the zoo only generates images; False if unknown."""
    return bool(getattr(_declared(model), "generative", False))


def _declared(model: object) -> object:
    return getattr(getattr(getattr(model, "origin", None), "spec", None), "model", None)


def whole_level(level: float, word: str) -> int:
    """Returns a level of damage as a whole number, for damages that have whole levels only.

    Args:
        level: Level of the damage.
        word: Word for the level in error messages, such as ``quality``.

    Raises:
        ConfigError: The level is not a whole number.
    """
    if level != int(level):
        raise ConfigError(f"Expected a whole number as {word}, got {level:g}.", value=level)
    return int(level)


def make_task(name: str, **options: Any) -> Task:
    """Makes a task with its options, such as ``make_task("sr", factor=2)``.

    Raises:
        UnknownName: No task has this name.
        ConfigError: The task has no such option, or does not accept its value.
    """
    cls = task_class(name).fitting(options)
    known = {option.name: option for option in options_of(cls)}
    if unknown := [option for option in options if option not in known]:
        raise _no_option(cls, unknown[0], known)
    try:
        made = cls(**options)
    except (TypeError, ValueError) as error:  # values that the task does not check are checked by its annotations
        for option, value in options.items():
            known[option].check(value)
        raise ConfigError(f"The task {cls.name!r} does not take {options}: {error}", value=options) from error
    for option, value in options.items():
        known[option].check(value)
    return made


def _no_option(cls: type[Task], name: str, known: Collection[str]) -> ConfigError:
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    others = [other for other, task in all_tasks().items() if name in {option.name for option in options_of(task)}]
    hint = f"That is an option of {' and '.join(others)}." if others else None
    return ConfigError(f"The task {cls.name!r} has no option {name!r}: {takes}.", hint=hint, value=name)


def __getattr__(name: str) -> Any:
    """Supports former names, with a warning."""
    if name == "HOMES":
        warnings.warn("HOMES is vaezoo.host.kinds.names_of('task') now", DeprecationWarning, stacklevel=2)
        return dict.fromkeys(names_of("task"), "")
    if name == "whole":
        warnings.warn("whole is whole_level now", DeprecationWarning, stacklevel=2)
        return whole_level
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
