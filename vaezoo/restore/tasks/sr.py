"""Super-resolution: more pixels, that shrink back to those that were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.image.metrics import luma
from vaezoo.image.resize import downscale, upscale
from vaezoo.restore.restorer import Restoration, Restorer
from vaezoo.restore.task import Example, Progress, Task, whole

FACTORS = (2, 3, 4)
ROUNDS = 20
"""At most, of back-projection; each shrinks what is left about threefold."""


@final
@dataclass(frozen=True)
class SuperResolve(Task):
    """Makes a picture a whole factor larger.

    Args:
        factor: 2, 3 or 4.
        consistent: Whether the result is moved until it shrinks to the input, to half of an 8-bit level.

    Raises:
        ConfigError: The factor is another.
    """

    factor: int = 2
    consistent: bool = True

    name: ClassVar[str] = "sr"
    model: ClassVar[str] = "sr"
    data: ClassVar[str] = "set5"
    word: ClassVar[str] = "factor"
    unit: ClassVar[str] = "factor"
    levels: ClassVar[tuple[float, ...]] = (2, 3, 4)

    def __post_init__(self) -> None:
        if self.factor not in FACTORS:
            raise ConfigError(f"Expected a factor of 2, 3 or 4, got {self.factor}.", value=self.factor)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.task.Task.restore`.

        ``facts["consistency_levels"]``: how far, at most, the result's bicubic reduction is from the input, in
        grey levels of 255.
        """
        restored = restorer(upscale(y, self.factor), progress)
        image, average = restored.image, restored.average
        if self.consistent:
            image = project(image, y, self.factor)
            average = None if average is None else project(average, y, self.factor)
        left = (downscale(image, self.factor) - y).abs().max().item()
        return restored._replace(image=image, average=average, facts={"consistency_levels": round(255 * left, 3)})

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.task.Task.example`: cropped to a multiple, shrunk, rounded to 8 bits."""
        factor = whole(level, cls.word)
        height, width = (side - side % factor for side in x.shape[-2:])
        x = x[..., :height, :width]
        y = downscale(x, factor).mul(255).round().div(255).clamp(0, 1)
        return Example(x, y, cls(factor))

    @classmethod
    def compared(cls, image: Tensor, level: float) -> Tensor:
        """See :meth:`vaezoo.restore.task.Task.compared`: luma, without a border as wide as the factor."""
        border = round(level)
        plane = luma(image) if image.shape[1] == 3 else image
        return plane[..., border:-border, border:-border]


def project(image: Tensor, y: Tensor, factor: int, *, bound: float = 0.5 / 255) -> Tensor:
    """Moves an image until it shrinks to another.

    Args:
        image: (1, C, H·factor, W·factor) in [0, 1].
        y: What it should shrink to, (1, C, H, W).
        factor: Of `vaezoo.image.resize.downscale`.
        bound: Largest difference that may be left; it is given up after `ROUNDS` rounds, as where y leaves [0, 1].

    Source: Improving resolution by image registration (Irani and Peleg, 1991).
    """
    for _ in range(ROUNDS):
        missing = y - downscale(image, factor)
        if missing.abs().max() <= bound:
            break
        image = (image + upscale(missing, factor)).clamp(0, 1)
    return image
