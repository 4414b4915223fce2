"""What is asked of a photo: the road from a user's picture through a model and back, and how it is measured.

Tasks are declared by plugins, see `vaezoo.registry.kinds`. How a model runs over a large picture is in
`vaezoo.restore.restorer`.
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
"""Told the tiles done and their number."""


class Example(NamedTuple):
    """A damaged picture of a benchmark.

    Attributes:
        x: The clean picture, (1, C, H, W) in [0, 1], cropped where the protocol says so.
        y: What a user would have of it; of another size where the task changes that.
        task: What restores it: the task, told what the protocol tells it.
    """

    x: Tensor
    y: Tensor
    task: Task


class Task(ABC):
    """Something to do to a photo. Its options are the fields of its dataclass.

    ``vaezoo enhance`` offers each field that a command line can say: numbers, texts, flags, a ``Literal``, paths. Its
    help is the first sentence that the docstring says of it under ``Attributes``.

    Attributes:
        name: Short, as in registries and on the command line.
        model: The model that does it by default.
        data: Test set of its protocol.
        gray: Whether the protocol has the pictures as luma.
        word: What its levels are, for names such as ``psnr_db_sigma15``.
        unit: The same for people, with its unit.
        levels: Those of the protocol.
        protocol: What is measured by it, for cards: the damage, and over which values of a picture.
        draws: Whether it can draw samples of its model.
        states: Whether it states a standard deviation where its model does.
        also: Names of the models that it uses beside its own.
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
        """Restores one picture.

        Args:
            restorer: Holds a model for the task.
            y: (1, C, H, W) in [0, 1].
            progress: Told the tiles done and their number.

        Raises:
            ShapeError: The picture or an option does not fit.
        """

    def of_file(self, path: str | PathLike[str]) -> Task:
        """Returns the task told what the picture's file says beside the pixels: the same where it asks for nothing.

        Raises:
            ImageError: The file does not say what the task asks for.
        """
        return self

    @property
    def apart(self) -> bool:
        """Whether the task has strengths of its own for parts of the picture, and so takes the common one too."""
        return False

    def stronger(self, strength: float, restorer: Restorer) -> Task:
        """Returns the task done more than a strength of 1 does it, or by a strength for what has none of its own.

        Args:
            strength: Above 1, or any where the task is ``apart``.
            restorer: Holds the model.

        Raises:
            ConfigError: The task or the model cannot do more.
        """
        raise ConfigError(
            f"Strength is 0 to 1 for the task {self.name!r}, not {strength}.",
            hint="Only denoising by a model that is told the noise level goes further.",
            value=strength,
        )

    @classmethod
    def fitting(cls, options: Mapping[str, Any]) -> type[Task]:
        """Returns the class that does the task with options: this one, or another where they say too little for it."""
        return cls

    @classmethod
    @abstractmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """Damages a clean picture as the protocol does.

        Args:
            x: (1, C, H, W) in [0, 1].
            level: How much; see ``unit``.
            index: Of the picture in its set: seeds what is random.
        """

    @classmethod
    def compared(cls, image: Tensor, level: float) -> Tensor:
        """Returns the part of a result or clean picture (1, C, H, W) that the protocol compares."""
        return image


def task_class(name: str) -> type[Task]:
    """Returns a task's class by its name, or by ``plugin/name``.

    Raises:
        UnknownName: No task has it.
        DuplicateName: Two plugins have it.
        PluginError: What is declared is no task, or its module does what no plugin may.
        BackendUnavailable: It cannot be imported.
    """
    found = find("task", name)
    if not (isinstance(found, type) and issubclass(found, Task) and is_dataclass(found)):
        message = f"Expected the task {name!r} as {KINDS['task'].target}, got {found!r}."
        raise PluginError(message, hint="Ask who declares it.", value=found)
    return found


def all_tasks() -> dict[str, type[Task]]:
    """Returns every task by its name, as ``plugin/name`` where two claim it; not those that cannot be imported."""
    shelf, found = current_zoo().registry.kinds["task"], dict[str, type[Task]]()
    for name, owner, _ in shelf.all():
        label = shelf.label(name, owner)
        with suppress(VaezooError):
            found[label] = task_class(label)
    return found


def purpose_of(model: object) -> str | None:
    """Returns the name of the task that a model of the zoo was made for; None where nothing says so."""
    purpose: str | None = getattr(_declared(model), "task", None)
    return purpose


def weights_tag(model: object) -> str | None:
    """Returns the tag of a model's weights, such as ``open``; None where they are not of the zoo."""
    weights = getattr(getattr(model, "origin", None), "weights", None)
    name: str = getattr(getattr(weights, "card", None), "name", "")
    return name.rpartition(".")[2] or None


def is_generative(model: object) -> bool:
    """Says whether a model is one of the zoo that makes pictures up; False where nothing says so."""
    return bool(getattr(_declared(model), "generative", False))


def _declared(model: object) -> object:
    return getattr(getattr(getattr(model, "origin", None), "spec", None), "model", None)


def whole_level(level: float, word: str) -> int:
    """Returns the level of a damage that has whole levels only.

    Args:
        level: How much damage.
        word: What the levels are, such as ``quality``.

    Raises:
        ConfigError: It is none.
    """
    if level != int(level):
        raise ConfigError(f"Expected a whole number as {word}, got {level:g}.", value=level)
    return int(level)


def make_task(name: str, **options: Any) -> Task:
    """Returns a task with its options, such as ``make_task("sr", factor=2)``.

    Raises:
        UnknownName: No task has this name.
        ConfigError: The task has no such option, or not with this value.
    """
    cls = task_class(name).fitting(options)
    known = {option.name: option for option in options_of(cls)}
    if unknown := [option for option in options if option not in known]:
        raise _no_option(cls, unknown[0], known)
    try:
        made = cls(**options)
    except (TypeError, ValueError) as error:  # what the task does not check itself is told by its annotations
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
    """Returns what former names mean, with a warning."""
    if name == "HOMES":
        warnings.warn("HOMES is vaezoo.host.kinds.names_of('task') now", DeprecationWarning, stacklevel=2)
        return dict.fromkeys(names_of("task"), "")
    if name == "whole":
        warnings.warn("whole is whole_level now", DeprecationWarning, stacklevel=2)
        return whole_level
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
