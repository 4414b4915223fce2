"""The kit's tests of tasks: a task that keeps the contract passes, and each planted fault fails its test."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import vaezoo
from vaezoo.image import gaussian_noise
from vaezoo.restore import Example, Progress, Restoration, Restorer, Task
from vaezoo.testing.task import TaskContract


class Smoother(nn.Module):
    """Means over 5 × 5 pixels, without a scale."""

    channels, stride, size = 3, 4, None

    def restore(self, y: Tensor) -> SimpleNamespace:
        smooth = nn.functional.avg_pool2d(nn.functional.pad(y, (2, 2, 2, 2), mode="replicate"), 5, 1)
        return SimpleNamespace(image=smooth.clamp(0, 1), scale=torch.full_like(y, 0.1))


@dataclass(frozen=True)
class Sound(Task):
    """Smooths.

    Attributes:
        amount: Share of the change that is made.
    """

    amount: float = 1.0

    name: ClassVar[str] = "kit-task"
    model: ClassVar[str] = "denoise"
    data: ClassVar[str] = "kodak24"
    word: ClassVar[str] = "sigma"
    unit: ClassVar[str] = "grey levels"
    levels: ClassVar[tuple[float, ...]] = (100,)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        return restorer(y, progress)

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        return Example(x, gaussian_noise(x, level, seed=index), cls())


class Contract(TaskContract):
    task = "kit-task"

    def build(self) -> Any:
        return Smoother()


def contract_of(task: type[Task]) -> Contract:
    vaezoo.register_task("kit-task", task, summary="Smooths.")
    return Contract()


def checks() -> list[str]:
    return [name for name in dir(TaskContract) if name.startswith("test_")]


@pytest.mark.parametrize("name", checks())
def test_a_sound_task_passes(name: str) -> None:
    getattr(contract_of(Sound), name)()


class Worse(Sound):
    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        return super().restore(restorer, 1 - y, progress)


class Cropped(Sound):
    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        found = super().restore(restorer, y, progress)
        return found._replace(image=found.image[..., 1:], scale=None)


class PerTile(Sound):
    """Shows each tile as its own whole."""

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        found = super().restore(restorer, y, progress)
        return found._replace(image=(found.image - 0.001 * found.tile).clamp(0, 1))


class Spoils(Sound):
    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        return super().restore(restorer, y.mul_(0.5), progress)


class Random(Sound):
    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        return super().restore(restorer, (y + 0.1 * torch.rand(y.shape)).clamp(0, 1), progress)


class Silent(Sound):
    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        return restorer(y)


class Unseeded(Sound):
    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        return Example(x, x + torch.rand(x.shape), cls())


class States(Sound):
    states: ClassVar[bool] = False


class Homeless(Sound):
    model: ClassVar[str] = "no-such-model"


@dataclass(frozen=True)
class Undocumented(Sound):
    """Smooths."""

    hidden: int = 3


FAULTS = [
    (Worse, "test_it_restores_its_own_damage"),
    (Cropped, "test_any_size_and_gray"),
    (States, "test_any_size_and_gray"),
    (PerTile, "test_tiles"),
    (Spoils, "test_it_is_the_same_every_time"),
    (Random, "test_it_is_the_same_every_time"),
    (Silent, "test_progress_is_told"),
    (Unseeded, "test_an_example_is_seeded"),
    (Homeless, "test_it_is_declared"),
    (Undocumented, "test_options_are_documented"),
]


@pytest.mark.parametrize(("fault", "name"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_fails(fault: type[Task], name: str) -> None:
    with pytest.raises(AssertionError):
        getattr(contract_of(fault), name)()


def test_an_option_that_is_taken_though_wrong_fails() -> None:
    contract = contract_of(Sound)
    contract.wrong = ({"amount": -3.0},)  # type: ignore[misc]
    with pytest.raises(AssertionError, match=r"-3\.0} is taken"):
        contract.test_bad_options_are_refused()
