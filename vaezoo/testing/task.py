"""The contract of a task: it undoes its own damage, at any size and in tiles, and refuses impossible options."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from vaezoo.errors import DataMissing, NetworkError, OfflineError, UnknownName, VaezooError
from vaezoo.host.manager import current_zoo
from vaezoo.image.resize import resize
from vaezoo.registry.options import options_of
from vaezoo.registry.registry import split_name
from vaezoo.restore.enhanced import enhance, load_model
from vaezoo.restore.restorer import Model, Restoration, Restorer
from vaezoo.restore.task import Example, Task, make_task, task_class

SIZES = ((64, 48), (37, 53), (33, 40))
"""Sizes (H, W) that every task takes."""
TILED, TILE = (96, 130), 64
"""(H, W) of an image that is tiled, and the largest side of its tiles."""
ALIKE = 2 / 255
"""Largest mean difference between an image restored in tiles and as a whole."""


class TaskContract:
    """Tests of one task with its default model.

    Attributes:
        task: Name of the task.
        level: Level of the example's damage. None means the first level of the protocol.
        wrong: Options that it must refuse, each a mapping for `vaezoo.restore.make_task`.
    """

    task: ClassVar[str]
    level: ClassVar[float | None] = None
    wrong: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def build(self) -> Model:
        """Returns the model. Skips the test if its weights are missing; override it for a model without weights."""
        try:
            return _default(self.cls.model)
        except (NetworkError, OfflineError) as error:
            pytest.skip(str(error))

    def picture(self, height: int, width: int, channels: int = 3) -> Tensor:
        """Returns a clean image (1, channels, height, width) in [0, 1]: waves, edges, light and dark."""
        rows, columns = torch.meshgrid(torch.arange(height) / 12, torch.arange(width) / 9, indexing="ij")
        waves = torch.stack([(rows * (c + 1) / 2).sin() * (columns + c).cos() for c in range(channels)])
        squares = ((rows.floor() + columns.floor()) % 2).expand(channels, -1, -1)
        return (0.2 + 0.2 * waves + 0.4 * squares).clamp(0, 1)[None]

    @property
    def cls(self) -> type[Task]:
        """Class of the task."""
        return task_class(self.task)

    def example(self, size: tuple[int, int] = SIZES[0], channels: int = 3, index: int = 0) -> Example:
        """Returns an image damaged by the protocol. Skips the test if that needs data that are missing."""
        level = self.cls.levels[0] if self.level is None else self.level
        try:
            return self.cls.example(self.picture(*size, channels), level, index)
        except DataMissing as error:
            pytest.skip(str(error))

    def restored(self, example: Example, **settings: Any) -> Restoration:
        """Restores an example, with settings of a `vaezoo.restore.Restorer`."""
        return example.task.restore(Restorer(self.build(), **settings), example.y.clone())

    def error(self, image: Tensor, example: Example) -> float:
        """Returns the mean squared error of an image, where the protocol compares it."""
        level = self.cls.levels[0] if self.level is None else self.level
        return float((self.cls.compared(image, level) - self.cls.compared(example.x, level)).square().mean())

    # What it says of itself

    def test_it_is_declared(self) -> None:
        """It has its declared name, a summary of one sentence, a protocol and an existing model."""
        bare = self.task.rpartition("/")[2]
        assert self.cls.name == bare, f"the class is named {self.cls.name!r}, it is declared as {bare!r}"
        assert self.cls.__dataclass_params__.frozen, f"{self.cls.__name__} is no frozen dataclass"  # type: ignore[attr-defined]
        assert current_zoo().registry.kinds["task"].get(self.task).summary.endswith("."), "no summary of one sentence"
        assert self.cls.levels and self.cls.word and self.cls.unit and self.cls.data, "its protocol lacks something"
        for model in (self.cls.model, *self.cls.also):
            try:
                current_zoo().registry.models.get(split_name(model)[0])
            except UnknownName as error:
                raise AssertionError(f"its model {model!r} is declared by nobody") from error

    def test_options_are_documented(self) -> None:
        """Its docstring describes each option under Attributes."""
        for option in options_of(self.cls):
            assert option.help.endswith("."), f"the docstring does not say what {option.name!r} is"

    def test_bad_options_are_refused(self) -> None:
        """An unknown option, a value of another type, and those that the test lists raise named errors."""
        wrong: list[Mapping[str, Any]] = [{"no_such_option": 1}, *self.wrong]
        wrong += [{option.name: object()} for option in options_of(self.cls) if option.closed]
        with suppress(VaezooError):  # a task may need an option
            make_task(self.task)
        for options in wrong:
            try:
                make_task(self.task, **options)
            except VaezooError:
                continue
            raise AssertionError(f"{dict(options)} is taken")

    # What it does

    def test_an_example_is_seeded(self) -> None:
        """The damage depends on image, level and index only. The image is left as it is."""
        x = self.picture(*SIZES[0])
        first, again = self.example(), self.example()
        assert torch.equal(first.y, again.y), "two examples differ"
        assert torch.equal(x, self.picture(*SIZES[0])) and bool(torch.isfinite(first.y).all())

    def test_it_restores_its_own_damage(self) -> None:
        """An example is nearer to the clean image after restoring than before."""
        example = self.example()
        after = self.error(self.restored(example).image.clamp(0, 1), example)
        size = (example.x.shape[2], example.x.shape[3])
        y = example.y if example.y.shape == example.x.shape else resize(example.y, size)
        before = self.error(y.clamp(0, 1), example)
        assert after < before, f"the mean square error grows from {before:.3g} to {after:.3g}"

    def test_any_size_and_gray(self) -> None:
        """A gray or colour image of any size gives a result and a scale of the clean image's size."""
        for size in SIZES:
            for channels in (3, 1):
                example = self.example(size, channels)
                found = self.restored(example)
                assert found.image.shape == example.x.shape, f"{tuple(example.y.shape)} became {found.image.shape}"
                assert found.image.isfinite().all() and found.image.min() >= 0 and found.image.max() <= 1
                assert found.scale is None or (found.scale.shape == found.image.shape and (found.scale >= 0).all())
                assert self.cls.states or found.scale is None, "it says that it states no scale, and does"

    def test_a_tiny_picture(self) -> None:
        """An image of a few pixels is restored, or refused by a named error."""
        with suppress(VaezooError):
            example = self.example((5, 4))
            assert self.restored(example).image.shape == example.x.shape

    def test_tiles(self) -> None:
        """An image restored in tiles is nearly the same as restored as a whole."""
        example = self.example(TILED)
        whole, tiled = (self.restored(example, tile=tile).image for tile in (None, TILE))
        apart = float((whole - tiled).abs().mean())
        assert apart <= ALIKE, f"in tiles it differs by {255 * apart:.2f} grey levels in the mean"

    def test_it_is_the_same_every_time(self) -> None:
        """Restoring an image twice gives the same, and leaves the image as it is."""
        example = self.example()
        y = example.y.clone()
        restorer = Restorer(self.build())
        first, second = (example.task.restore(restorer, y) for _ in range(2))
        assert torch.equal(first.image, second.image), "the result differs from time to time"
        assert torch.equal(y, example.y), "the picture that is given is changed"

    def test_progress_is_told(self) -> None:
        """The progress callback ends with all tiles."""
        example, told = self.example(), list[tuple[int, int]]()
        example.task.restore(Restorer(self.build()), example.y, lambda done, tiles: told.append((done, tiles)))
        assert told and all(0 <= done <= tiles for done, tiles in told) and told[-1][0] == told[-1][1], told[-3:]

    def test_a_user_gets_what_was_given(self) -> None:
        """`vaezoo.enhance` returns an array of bytes for one, and does not change it at strength 0."""
        example = self.example()
        pixels = (255 * example.y.clamp(0, 1)).round()[0].permute(1, 2, 0).numpy().astype(np.uint8)
        found = enhance(pixels, task=example.task, model=self.build()).image
        assert found.dtype == np.uint8 and found.shape == (*example.x.shape[2:], 3)
        if found.shape == pixels.shape:
            kept = enhance(pixels, task=example.task, model=self.build(), strength=0).image
            assert np.array_equal(kept, pixels), "a strength of 0 changes the picture"


@lru_cache(maxsize=4)  # loading takes as long as restoring an image
def _default(name: str) -> Model:
    return load_model(name)
