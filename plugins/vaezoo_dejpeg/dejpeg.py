"""Removing JPEG artefacts of a photo."""

from __future__ import annotations

import io
import math
import os
from dataclasses import dataclass, replace
from typing import IO, ClassVar, final

import torch
from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.image import Quantised, expected_error, jpeg, jpeg_file, luma, read_luma_table, read_quantised
from vaezoo.image.compression.intervals import outside, project
from vaezoo.restore import Example, Progress, Restoration, Restorer, Task, check_level, whole_level

NOTHING, ALL = 2.0, 1.0
"""Expected error, in grey levels, up to which nothing is changed, and the scale on which trust grows above it.

An error of 1.94 is quality 95, 3.1 is 92, 5.8 is 85. The better the file, the less can be gained, and the more often a
model takes texture for damage. On single images it did harm at 95, so files from there on are left as they are.
"""


def trust(expected: float) -> float:
    """Returns the share of the model's change to apply, 0 to 1, for an expected error in grey levels."""
    return 1 - math.exp(-max(0.0, expected - NOTHING) / ALL)


@final
@dataclass(frozen=True)
class Dejpeg(Task):
    """Removes blocks, ringing and colour loss of JPEG files, of any quality.

    A model that is told the damage is told the error that the file's table implies. This keeps it from changing what a
    good file has right. Without a file, as for an array, the model estimates it.

    An image that was cropped after it was saved is restored slightly less well, since its blocks do not begin at the
    corner.

    Attributes:
        project: Whether to project the result onto images that the JPEG file can come from; see
            `vaezoo.image.compression.intervals.project`. Not for a file that was JPEG before at a lower quality: its
            intervals contain the damaged image, so the damage would stay.
        quantised: Quantised coefficients of the file. A task that is given a path reads them itself.
        expected: Root mean square error of the JPEG file, in grey levels. For a path it is computed from the file's
            table; see `vaezoo.image.compression.quantisation.expected_error`.

    Raises:
        ShapeError: The expected error is negative or not finite.
    """

    project: bool = False
    quantised: Quantised | None = None
    expected: float | None = None

    name: ClassVar[str] = "dejpeg"
    model: ClassVar[str] = "dejpeg"
    data: ClassVar[str] = "classic5"
    gray: ClassVar[bool] = True
    word: ClassVar[str] = "quality"
    unit: ClassVar[str] = "quality of libjpeg"
    levels: ClassVar[tuple[float, ...]] = (10, 20, 30, 40)
    protocol: ClassVar[str] = "gray, files of libjpeg's quality 10, 20, 30, 40, output clipped, over all pixels"

    def __post_init__(self) -> None:
        check_level(self.expected)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.Task.restore`.

        If projected, ``facts["outside_percent"]`` is the share of luma coefficients that the model had put outside
        their intervals.

        Raises:
            ConfigError: A projection is requested, but the file is unknown.
        """
        maps = None
        if self.expected is not None and "sigma" in restorer.takes:
            maps = {"sigma": torch.full((1, 1, *y.shape[2:]), self.expected / 255)}
        if not self.project:
            return self._trusted(restorer(y, progress, maps=maps), y)
        if self.quantised is None:
            raise ConfigError(
                "Projection needs the JPEG file of the picture, got the picture alone.",
                hint="Give its path, or quantised=read_quantised(path).", value=self.quantised,
            )  # fmt: skip
        restored = restorer(y, progress, maps=maps)
        image, average = restored.image.clamp(0, 1), restored.average
        return restored._replace(
            image=project(image, self.quantised),
            average=None if average is None else project(average.clamp(0, 1), self.quantised),
            facts={"outside_percent": round(100 * outside(image, self.quantised), 3)},
        )

    def _trusted(self, restored: Restoration, y: Tensor) -> Restoration:
        """Applies the share of the model's change that the expected error justifies; all of it if that is unknown."""
        if self.expected is None:
            return restored
        share = trust(self.expected)
        average = None if restored.average is None else torch.lerp(y, restored.average, share)
        return restored._replace(image=torch.lerp(y, restored.image, share), average=average)

    def of_file(self, path: str | os.PathLike[str] | IO[bytes]) -> Dejpeg:
        """See :meth:`vaezoo.restore.Task.of_file`: reads the table, and the quantisation if it is needed."""
        table = None if self.expected is not None else read_luma_table(path)
        told = self if table is None else replace(self, expected=expected_error(table))
        return replace(told, quantised=read_quantised(path)) if self.project else told

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.Task.example`: a JPEG file of that quality, with chroma subsampled."""
        quality = whole_level(level, cls.word)
        file = jpeg_file(x, quality)
        return Example(x, jpeg(x, quality), cls(quantised=read_quantised(io.BytesIO(file))).of_file(io.BytesIO(file)))

    @classmethod
    def compared(cls, image: Tensor, level: float) -> Tensor:
        """See :meth:`vaezoo.restore.Task.compared`: gray as it is, and luma of colour."""
        return luma(image) if image.shape[1] == 3 else image
