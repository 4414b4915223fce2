"""Removing what JPEG did to a photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor

from vaezoo.image.degradations import jpeg
from vaezoo.image.metrics import luma
from vaezoo.restore.restorer import Restoration, Restorer
from vaezoo.restore.task import Example, Progress, Task


@final
@dataclass(frozen=True)
class Dejpeg(Task):
    """Removes blocks, rings and lost colour of JPEG files, of any quality, which need not be known.

    A picture that was cropped after it was saved is served too, a little less well: its blocks no longer begin at the
    corner.
    """

    name: ClassVar[str] = "dejpeg"
    model: ClassVar[str] = "dejpeg"
    data: ClassVar[str] = "classic5"
    gray: ClassVar[bool] = True
    word: ClassVar[str] = "quality"
    unit: ClassVar[str] = "quality of libjpeg"
    levels: ClassVar[tuple[float, ...]] = (10, 20, 30, 40)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.task.Task.restore`."""
        return restorer(y, progress)

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.task.Task.example`: a file of that quality, chroma halved."""
        return Example(x, jpeg(x, round(level)), cls())

    @classmethod
    def compared(cls, image: Tensor, level: float) -> Tensor:
        """See :meth:`vaezoo.restore.task.Task.compared`: gray as it is, luma of colour."""
        return luma(image) if image.shape[1] == 3 else image
