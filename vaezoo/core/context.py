"""What a model may know besides its latents, and what a loss is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import final

from torch import Tensor

from vaezoo.core.shapes import repeat_rows
from vaezoo.errors import ShapeError, suggest

Conditions = Mapping[str, Tensor]
"""What a model is told beside an image, by name; B rows each."""
Size = tuple[int, int]
"""Height and width, pixels."""


@final
@dataclass(frozen=True)
class Context:
    """What conditions a model; never None, though it may hold nothing but sizes. Always B rows.

    Attributes:
        batch: Number of images B.
        size: Height and width that the networks see, in pixels of y: padded to the model's stride.
        visible: Height and width of the picture that the model gives; None where they are ``size``.
        image: The degraded image (B, C, H, W), enlarged by ``factor`` where that is above 1; or None.
        features: Its features, coarse to fine, each (B, c, H/s, W/s).
        vector: An embedding (B, D), of a label or a style, or None.
        factor: Pixels of the target for each of y, along a side.
    """

    batch: int
    size: tuple[int, int]
    image: Tensor | None = None
    features: tuple[Tensor, ...] = ()
    vector: Tensor | None = None
    visible: tuple[int, int] | None = None
    factor: int = 1

    def start(self, y: Tensor) -> Tensor:
        """Returns what the target would be compared with if nothing were done: y, or its enlarged image."""
        if self.factor == 1 or self.image is None:
            return y
        height, width = self.visible or self.image.shape[-2:]
        return self.image[..., :height, :width]

    def repeat(self, k: int) -> Context:
        """Returns the context of K samples an image: K·B rows, the sample index slow."""
        if k == 1:
            return self
        return replace(
            self,
            batch=self.batch * k,
            image=None if self.image is None else repeat_rows(self.image, k),
            features=tuple(repeat_rows(f, k) for f in self.features),
            vector=None if self.vector is None else repeat_rows(self.vector, k),
        )

    def rows(self, chosen: Tensor) -> Context:
        """Returns the context of the chosen rows, int64 (N,)."""
        return replace(
            self,
            batch=len(chosen),
            image=None if self.image is None else self.image[chosen],
            features=tuple(f[chosen] for f in self.features),
            vector=None if self.vector is None else self.vector[chosen],
        )


@final
@dataclass(frozen=True)
class Batch:
    """What a loss is given.

    Attributes:
        y: Degraded image, the input (B, C, H, W) in [0, 1], noise may exceed it.
        x: Clean image, the target; None where the input is its own target.
        cond: What the model may see besides y, such as ``{"label": (B,) int64}``.
        info: What only the loss may see, such as ``{"sigma": (B,)}``, the noise's standard deviation.
    """

    y: Tensor
    x: Tensor | None = None
    cond: Mapping[str, Tensor] = field(default_factory=dict)
    info: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def target(self) -> Tensor:
        """The clean image, or the input where there is none."""
        return self.y if self.x is None else self.x

    def to(self, device: object, **kwargs: object) -> Batch:
        """Returns the batch on a device; keyword arguments as in ``Tensor.to``, for images only."""
        images = {"y": self.y.to(device, **kwargs), "x": None if self.x is None else self.x.to(device, **kwargs)}  # type: ignore[call-overload]
        return Batch(
            **images,
            cond={k: v.to(device) for k, v in self.cond.items()},  # type: ignore[call-overload]
            info={k: v.to(device) for k, v in self.info.items()},  # type: ignore[call-overload]
        )


def check_conditions(cond: Iterable[str], takes: Iterable[str]) -> None:
    """Refuses a condition that a model does not take.

    Args:
        cond: Names of those that are given.
        takes: Names of those that it takes.

    Raises:
        ShapeError: The model does not take one of the conditions.
    """
    for name in cond:
        if name not in takes:
            raise ShapeError(f"This model takes no condition {name!r}.", hint=suggest(name, takes), value=name)


def check_sizes(batch: Batch, context: Context) -> None:
    """Refuses a target that is not as large as the model makes y.

    Raises:
        ShapeError: It is not.
    """
    y, x, factor = batch.y, batch.target, context.factor
    expected = (*y.shape[:2], y.shape[2] * factor, y.shape[3] * factor)
    if tuple(x.shape) == expected:
        return
    if factor == 1:
        raise ShapeError(
            f"Expected y and x of one shape, got {tuple(y.shape)} and {tuple(x.shape)}.", value=(y.shape, x.shape)
        )
    raise ShapeError(
        f"Expected x of shape {expected}, {factor} times as large as y, got {tuple(x.shape)}.",
        hint="Say how many times with cond={'factor': ...}.",
        value=(y.shape, x.shape),
    )


def wanted_size(
    size: tuple[int, int] | None, only: tuple[int, int] | None, default: tuple[int, int] | None
) -> tuple[int, int]:
    """Returns the size (H, W) of what a model is to make up.

    Args:
        size: The one that is asked for, or None.
        only: The only one that the model gives, or None.
        default: The one that is taken where none is asked for, or None.

    Raises:
        ShapeError: There is none, or it is another than the model gives, or no size.
    """
    if only is not None and size is not None and tuple(size) != only:
        raise ShapeError(f"Expected size {only}, the one this dense network gives, got {tuple(size)}.", value=size)
    size = size or default
    if size is None:
        message = "Expected a size (H, W): this model has no default one."
        raise ShapeError(message, hint="Pass size=(H, W).", value=size)
    if len(size) != 2 or min(size) < 1:
        raise ShapeError(f"Expected size as (H, W) of at least 1, got {tuple(size)}.", value=size)
    return size
