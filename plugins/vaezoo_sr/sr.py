"""Super-resolution: enlarges an image, such that it shrinks back to the input."""

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
"""Factors that models of already enlarged images were trained on. Other models state theirs."""
LARGEST = 16
"""Largest factor: the largest of a model, applied twice."""
SPOILT = "photo"
"""Tag of the weights that were trained on small images with noise and JPEG."""
ROUNDS = 20
"""Largest number of rounds of back-projection. Each reduces the rest about threefold."""


@final
@dataclass(frozen=True)
class SuperResolve(Task):
    """Enlarges an image by a factor, to a size, or to a number of pixels.

    The model enlarges by the next larger whole factor that it supports, twice if once is not enough. An antialiased
    bicubic filter then shrinks the result to the requested size.

    Attributes:
        factor: Factor for the sides, above 1. At most `LARGEST`. The default is 2.
        consistent: Whether the result must shrink to the input, within half of an 8-bit level. None means yes, except
            for weights with the tag `SPOILT`: they remove noise and JPEG artefacts, which this would bring back.
        size: Size in pixels instead of a factor, such as 3000x, x2000 or 3000x2000: a width, a height, or the largest
            image that fits inside. The sides keep their ratio.
        megapixels: Size in millions of pixels instead of a factor. The sides keep their ratio.

    Raises:
        ConfigError: A number is out of range, the size is malformed, or more than one of the three is given.
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
            raise ConfigError(
                f"Expected a factor, a size or megapixels, got {said}.", hint="Give one of them.", value=given
            )
        if self.factor is not None and not (is_number(self.factor) and 1 < self.factor <= LARGEST):
            raise ConfigError(f"Expected a factor above 1, up to {LARGEST}, got {self.factor!r}.", value=self.factor)
        if self.megapixels is not None and not (is_number(self.megapixels) and 0 < self.megapixels < math.inf):
            message = f"Expected a number of megapixels above 0, got {self.megapixels!r}."
            raise ConfigError(message, value=self.megapixels)
        if self.size is not None:
            _sides(self.size)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.Task.restore`.

        ``facts["consistency_levels"]`` is the largest difference between the input and the result's bicubic reduction
        to its size, in grey levels of 255, for whole and other factors.

        If the result is shrunk, its scale is the root mean square over the pixels that become one, as if their errors
        were equal. If the model is applied twice, the scale of the first result is enlarged, and variances are added.

        Raises:
            ConfigError: The requested size is not above the image's, or exceeds the largest factor.
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
        """Returns the factor for the sides of an image of this height and width.

        Raises:
            ConfigError: The factor is not above 1, or above `LARGEST`.
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
        """Returns the requested factor for the sides, and the option that requested it."""
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
        """See :meth:`vaezoo.restore.Task.example`: cropped to a multiple, shrunk, and rounded to 8 bits."""
        factor = whole_level(level, cls.word)
        height, width = (side - side % factor for side in x.shape[-2:])
        x = x[..., :height, :width]
        y = downscale(x, factor).mul(255).round().div(255).clamp(0, 1)
        return Example(x, y, cls(factor))

    @classmethod
    def compared(cls, image: Tensor, level: float) -> Tensor:
        """See :meth:`vaezoo.restore.Task.compared`: luma, without a border of the factor's width."""
        border = round(level)
        plane = luma(image) if image.shape[1] == 3 else image
        return plane[..., border:-border, border:-border]


def project(image: Tensor, y: Tensor, factor: float | None = None, *, bound: float = 0.5 / 255) -> Tensor:
    """Changes an image until it shrinks to another one.

    Args:
        image: Image (1, C, H, W) in [0, 1].
        y: Target (1, C, h, w), not larger, of shrinking by `vaezoo.image.resize.resize`.
        factor: Not used, since the two sizes determine it.
        bound: Largest difference to leave. It gives up after `ROUNDS` rounds, as happens if y leaves [0, 1].

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
    """Returns the width and height in a size such as ``3000x``, 0 for a side that is left out."""
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
    """Returns the factors to enlarge by, in order, the smaller first: as few and as small as suffice.

    Raises:
        ConfigError: The model's largest factor, applied twice, does not suffice.
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
    """Enlarges an image by a whole factor: by the model, or by restoring its bicubic enlargement."""
    if restorer.enlarges:
        return restorer(y, progress, numbers={"factor": factor})
    return restorer(resize(y, (factor * y.shape[2], factor * y.shape[3]), quick=True), progress)


def _part(progress: Progress | None, index: int, parts: int) -> Progress | None:
    """Returns a callback for the tiles of one of several equal parts."""
    if progress is None or parts == 1:
        return progress
    told: Callable[[int, int], None] = progress
    return lambda done, tiles: told(index * tiles + done, parts * tiles)


def _after(first: Restoration, second: Restoration) -> Restoration:
    """Returns the second result with the errors of the first added. Its average is that of the mean path."""
    size = (second.image.shape[2], second.image.shape[3])
    scale, spread = (
        None if a is None or b is None else torch.hypot(resize(a, size).clamp_min(0), b)
        for a, b in ((first.scale, second.scale), (first.spread, second.spread))
    )
    return second._replace(scale=scale, spread=spread)


def _reduced(restored: Restoration, size: tuple[int, int]) -> Restoration:
    """Returns a result shrunk to a size."""
    average = None if restored.average is None else resize(restored.average, size).clamp(0, 1)
    scale, spread = (
        None if v is None else resize(v.square(), size).clamp_min(1e-12).sqrt()
        for v in (restored.scale, restored.spread)
    )
    image = resize(restored.image, size).clamp(0, 1)
    return restored._replace(image=image, average=average, scale=scale, spread=spread)
