"""The context that conditions a model, the batch that a loss receives, and checks of their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import final

from torch import Tensor

from vaezoo.core.shapes import repeat_rows
from vaezoo.errors import ShapeError, suggest

Conditions = Mapping[str, Tensor]
"""Conditions of a model besides the image, by name. Each has B rows."""
Size = tuple[int, int]
"""Height and width in pixels."""


@final
@dataclass(frozen=True)
class Context:
    """What conditions a model besides its latents. It always has B rows, and may hold nothing but sizes.

    Attributes:
        batch: Number of images B.
        size: (H, W) that the networks see, in pixels of y, padded to the model's stride.
        visible: (H, W) of the image that the model returns; None if it is ``size``.
        image: Degraded image (B, C, H, W), enlarged by ``factor`` if that is above 1; or None.
        features: Features of the degraded image, coarse to fine, each (B, c, H/s, W/s).
        vector: Embedding (B, D), such as of a label or a style; or None.
        factor: Pixels of the target per pixel of y, along a side.
    """

    batch: int
    size: tuple[int, int]
    image: Tensor | None = None
    features: tuple[Tensor, ...] = ()
    vector: Tensor | None = None
    visible: tuple[int, int] | None = None
    factor: int = 1

    def start(self, y: Tensor) -> Tensor:
        """Returns the image to start from, which does nothing to y: y itself, or its enlarged version."""
        if self.factor == 1 or self.image is None:
            return y
        height, width = self.visible or self.image.shape[-2:]
        return self.image[..., :height, :width]

    def repeat(self, k: int) -> Context:
        """Returns the context for K samples an image: K·B rows, with the sample index slow."""
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
        """Returns the context of chosen rows, int64 (N,)."""
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
    """What a loss receives.

    Attributes:
        y: Degraded image, the input, (B, C, H, W) in [0, 1]; noise may exceed it.
        x: Clean image, the target; None if the input is its own target.
        cond: Conditions that the model may read, such as ``{"label": (B,) int64}``.
        info: Values that only the loss may read, such as ``{"sigma": (B,)}``, the standard deviation of the noise.
    """

    y: Tensor
    x: Tensor | None = None
    cond: Mapping[str, Tensor] = field(default_factory=dict)
    info: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def target(self) -> Tensor:
        """The clean image, or the input if there is none."""
        return self.y if self.x is None else self.x

    def to(self, device: object, **kwargs: object) -> Batch:
        """Moves the batch to a device. Keyword arguments are those of ``Tensor.to`` and apply to images only."""
        images = {"y": self.y.to(device, **kwargs), "x": None if self.x is None else self.x.to(device, **kwargs)}  # type: ignore[call-overload]
        return Batch(
            **images,
            cond={k: v.to(device) for k, v in self.cond.items()},  # type: ignore[call-overload]
            info={k: v.to(device) for k, v in self.info.items()},  # type: ignore[call-overload]
        )


def check_conditions(cond: Iterable[str], takes: Iterable[str]) -> None:
    """Raises if a condition is not one that the model accepts.

    Args:
        cond: Names of the given conditions.
        takes: Names of the accepted conditions.

    Raises:
        ShapeError: The model does not accept one of the conditions.
    """
    for name in cond:
        if name not in takes:
            raise ShapeError(f"This model takes no condition {name!r}.", hint=suggest(name, takes), value=name)


def check_sizes(batch: Batch, context: Context) -> None:
    """Raises if the target does not have the size that the model makes of y.

    Raises:
        ShapeError: The sizes differ.
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
        hint="Give the factor as cond={'factor': ...}.",
        value=(y.shape, x.shape),
    )


def wanted_size(
    size: tuple[int, int] | None, only: tuple[int, int] | None, default: tuple[int, int] | None
) -> tuple[int, int]:
    """Returns the size (H, W) of the image to generate.

    Args:
        size: Requested size, or None.
        only: The only size that the model supports, or None.
        default: Size to use if none is requested, or None.

    Raises:
        ShapeError: No size is known, the model does not support it, or it is below 1.
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
