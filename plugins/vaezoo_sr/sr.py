"""Super-resolution: more pixels, that shrink back to those that were given."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.image import luma
from vaezoo.image.resize import downscale, resize
from vaezoo.restore import Example, Progress, Restoration, Restorer, Task, is_number, weights_tag, whole_level

FACTORS = (2, 3, 4)
"""What models for pictures that were enlarged already have seen; others say it by themselves."""
LARGEST = 16
"""Factor at most: the largest of a model, twice."""
SPOILT = "photo"
"""The tag of weights that have seen small pictures with noise and JPEG."""
ROUNDS = 20
"""At most, of back-projection; each shrinks what is left about threefold."""


@final
@dataclass(frozen=True)
class SuperResolve(Task):
    """Makes a picture larger: by a factor, to a size, or to a number of pixels.

    The model enlarges by the next larger whole factor that it can do, twice where one time is not enough, and an
    antialiased bicubic filter makes that smaller to what was asked for.

    Attributes:
        factor: How many times as long the sides become, above 1; 2 where nothing else is said. At most `LARGEST`.
        consistent: Consistency with the input, to which the result then shrinks, within half of an 8-bit level. None:
            unless the weights are of the tag `SPOILT`, which take noise and JPEG away: moving would bring them back.
        size: Size in pixels instead of a factor, such as 3000x, x2000 or 3000x2000. That is a width, a height, the
            largest picture that fits inside. The sides keep their ratio.
        megapixels: Size in millions of pixels instead of a factor. The sides keep their ratio.

    Raises:
        ConfigError: A number is out of range, the size is no such text, or more than one of the three is given.
    """

    factor: float | None = None
    consistent: bool | None = None
    size: str | None = None
    megapixels: float | None = None

    name: ClassVar[str] = "sr"
    model: ClassVar[str] = "sr"
    data: ClassVar[str] = "set5"
    word: ClassVar[str] = "factor"
    unit: ClassVar[str] = "factor"
    levels: ClassVar[tuple[float, ...]] = (2, 3, 4)
    protocol: ClassVar[str] = (
        "shrunk 2, 3 and 4 times by an antialiased bicubic filter and rounded to 8 bits, output clipped, luma in "
        "studio range without a border as wide as the factor"
    )

    def __post_init__(self) -> None:
        asked = {"factor": self.factor, "size": self.size, "megapixels": self.megapixels}
        given = {name: value for name, value in asked.items() if value is not None}
        if len(given) > 1:
            said = " and ".join(f"{name}={value!r}" for name, value in given.items())
            raise ConfigError(f"Expected a factor, a size or megapixels, got {said}.", hint="Say one.", value=given)
        if self.factor is not None and not (is_number(self.factor) and 1 < self.factor <= LARGEST):
            raise ConfigError(f"Expected a factor above 1, up to {LARGEST}, got {self.factor!r}.", value=self.factor)
        if self.megapixels is not None and not (is_number(self.megapixels) and 0 < self.megapixels < math.inf):
            message = f"Expected a number of megapixels above 0, got {self.megapixels!r}."
            raise ConfigError(message, value=self.megapixels)
        if self.size is not None:
            _sides(self.size)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.Task.restore`.

        ``facts["consistency_levels"]``: how far, at most, the result's bicubic reduction to the input's size is from
        the input, in grey levels of 255; of any factor, whole or not.

        The scale of a result that was made smaller is the root mean square of those of the pixels that became one, as
        if their errors were the same. Of two times, the first one's scale is enlarged and added, as variances are.

        Raises:
            ConfigError: The size or the megapixels are not above the picture's, or more than the largest factor.
        """
        height, width = y.shape[2:]
        scale = self.scale(height, width)
        wanted = round(height * scale), round(width * scale)
        steps = _steps(scale, restorer.enlarges or FACTORS)
        restored = _enlarged(restorer, y, steps[0], _part(progress, 0, len(steps)))
        for index, step in enumerate(steps[1:], start=1):
            again = _enlarged(restorer, restored.image, step, _part(progress, index, len(steps)))
            restored = _after(restored, again)
        if tuple(restored.image.shape[2:]) != wanted:
            restored = _reduced(restored, wanted)
        image, average = restored.image, restored.average
        if weights_tag(restorer.model) != SPOILT if self.consistent is None else self.consistent:
            image = project(image, y)
            average = None if average is None else project(average, y)
        left = (resize(image, (height, width)) - y).abs().max().item()
        return restored._replace(image=image, average=average, facts={"consistency_levels": round(255 * left, 3)})

    def scale(self, height: int, width: int) -> float:
        """Returns how many times as long the sides of a picture of this height and width become.

        Raises:
            ConfigError: That is not above 1, or above `LARGEST`.
        """
        scale, said = self._asked(height, width)
        if not 1 < scale <= LARGEST:
            raise ConfigError(
                f"Expected {said} larger than the picture, {width}x{height}, and at most {LARGEST} times as large "
                f"along a side, got {scale:.3g} times.",
                hint="Ask for more pixels." if scale <= 1 else "Ask for fewer pixels.",
                value=scale,
            )
        return scale

    def _asked(self, height: int, width: int) -> tuple[float, str]:
        """Returns how many times as long the sides are to become, and what said so."""
        if self.megapixels is not None:
            return math.sqrt(self.megapixels * 1e6 / (height * width)), f"megapixels={self.megapixels:g}"
        if self.size is not None:
            across, down = _sides(self.size)
            ratios = [asked / side for asked, side in ((across, width), (down, height)) if asked]
            return min(ratios), f"size={self.size!r}"
        factor = 2 if self.factor is None else self.factor
        return factor, f"factor={factor:g}"

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.Task.example`: cropped to a multiple, shrunk, rounded to 8 bits."""
        factor = whole_level(level, cls.word)
        height, width = (side - side % factor for side in x.shape[-2:])
        x = x[..., :height, :width]
        y = downscale(x, factor).mul(255).round().div(255).clamp(0, 1)
        return Example(x, y, cls(factor))

    @classmethod
    def compared(cls, image: Tensor, level: float) -> Tensor:
        """See :meth:`vaezoo.restore.Task.compared`: luma, without a border as wide as the factor."""
        border = round(level)
        plane = luma(image) if image.shape[1] == 3 else image
        return plane[..., border:-border, border:-border]


def project(image: Tensor, y: Tensor, factor: float | None = None, *, bound: float = 0.5 / 255) -> Tensor:
    """Moves an image until it shrinks to another.

    Args:
        image: (1, C, H, W) in [0, 1].
        y: What it should shrink to by `vaezoo.image.resize.resize`, (1, C, h, w), not larger.
        factor: Not needed: the two sizes say it.
        bound: Largest difference that may be left; it is given up after `ROUNDS` rounds, as where y leaves [0, 1].

    Source: Improving resolution by image registration (Irani and Peleg, 1991).
    """
    small, large = (y.shape[2], y.shape[3]), (image.shape[2], image.shape[3])
    for _ in range(ROUNDS):
        missing = y - resize(image, small, quick=True)
        if missing.abs().max() <= bound:
            break
        image = resize(missing, large, quick=True).add_(image).clamp_(0, 1)
    return image


def _sides(size: str) -> tuple[int, int]:
    """Returns the width and height that a size such as ``3000x`` asks for, 0 where it asks for none."""
    found = re.fullmatch(r"(\d{0,6})x(\d{0,6})", size) if isinstance(size, str) else None
    across, down = (int(side or 0) for side in found.groups()) if found else (0, 0)
    if not (across or down) or (found and "0" in found.groups()):
        raise ConfigError(
            f"Expected a size such as 3000x, x2000 or 3000x2000, width first, got {size!r}.",
            hint="Leave a side out to keep the picture's ratio.",
            value=size,
        )
    return across, down


def _steps(scale: float, factors: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the factors to enlarge by, one after the other, the smaller first: as few and small as are enough.

    Raises:
        ConfigError: The model's largest factor, twice, is not enough.
    """
    enough = scale - 1e-9
    for times in (1, 2):
        able = [s for s in itertools.combinations_with_replacement(sorted(factors), times) if math.prod(s) >= enough]
        if able:
            return min(able, key=lambda s: (math.prod(s), s))
    raise ConfigError(
        f"Expected at most {max(factors) ** 2} times as many pixels along a side for this model, got {scale:g}.",
        hint="Enlarge the result once more.",
        value=scale,
    )


def _enlarged(restorer: Restorer, y: Tensor, factor: int, progress: Progress | None) -> Restoration:
    """Returns a picture a whole factor larger: by the model, or by what a model makes of its bicubic enlargement."""
    if restorer.enlarges:
        return restorer(y, progress, numbers={"factor": factor})
    return restorer(resize(y, (factor * y.shape[2], factor * y.shape[3]), quick=True), progress)


def _part(progress: Progress | None, index: int, parts: int) -> Progress | None:
    """Returns what is told the tiles of one of equal parts."""
    if progress is None or parts == 1:
        return progress
    told: Callable[[int, int], None] = progress
    return lambda done, tiles: told(index * tiles + done, parts * tiles)


def _after(first: Restoration, second: Restoration) -> Restoration:
    """Returns what was made of a result, with the first one's errors; its average is what the mean path makes of it."""
    size = (second.image.shape[2], second.image.shape[3])
    scale, spread = (
        None if a is None or b is None else torch.hypot(resize(a, size).clamp_min(0), b)
        for a, b in ((first.scale, second.scale), (first.spread, second.spread))
    )
    return second._replace(scale=scale, spread=spread)


def _reduced(restored: Restoration, size: tuple[int, int]) -> Restoration:
    """Returns a result made smaller."""
    average = None if restored.average is None else resize(restored.average, size).clamp(0, 1)
    scale, spread = (
        None if v is None else resize(v.square(), size).clamp_min(1e-12).sqrt()
        for v in (restored.scale, restored.spread)
    )
    image = resize(restored.image, size).clamp(0, 1)
    return restored._replace(image=image, average=average, scale=scale, spread=spread)
