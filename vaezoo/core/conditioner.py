"""The optional conditioner slot: reads degraded images and labels into a context, once per image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core.context import Context
from vaezoo.core.facts import accepts_keywords
from vaezoo.core.facts.builtin import ImageConditionerConfig, LabelConditionerConfig
from vaezoo.errors import ShapeError


class Conditioner(ABC, nn.Module):
    """A network from the degraded image and other conditions to a context.

    Attributes:
        channels: Image channels C of y; None for a conditioner that does not read y.
        stride: Pixels that height and width are multiples of.
        takes: Names of the conditions that it accepts. The model refuses all others.
        classes_of: Number of classes of each condition that is a class label, by name.
        enlarges: Possible factors by which the target is larger than y along a side. The condition ``factor``, (B,) and
            the same whole number for all, chooses one; without it the first is used. Empty: the target is as large as
            y.
    """

    channels: int | None = None
    stride: int = 1
    takes: tuple[str, ...] = ()
    classes_of: Mapping[str, int] = MappingProxyType({})
    enlarges: tuple[int, ...] = ()

    @abstractmethod
    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """Returns the context of y (B, C, H, W) and the conditions."""


def factor_of(cond: Mapping[str, Tensor], factors: Sequence[int], rows: int) -> int:
    """Returns the enlarging factor: that of the condition ``factor``, or else the first of ``factors``.

    Args:
        cond: Conditions of the model.
        factors: Factors that the model supports.
        rows: Number of images B.

    Raises:
        ShapeError: The condition does not have shape (B,), or is not one whole number out of ``factors``.
    """
    told = cond.get("factor")
    if told is None:
        return factors[0]
    if told.shape != (rows,) or told.is_floating_point():
        raise ShapeError(
            f"Expected factor of shape ({rows},) and whole numbers, got {tuple(told.shape)} of {told.dtype}.",
            value=tuple(told.shape),
        )
    wanted = told.unique().tolist()
    if len(wanted) != 1 or wanted[0] not in factors:
        raise ShapeError(
            f"Expected one factor for all images of a batch, of {', '.join(map(str, factors))}, got "
            f"{', '.join(map(str, wanted))}.",
            value=wanted,
        )
    return int(wanted[0])


@final
class ImageConditioner(Conditioner):
    """Passes on the degraded image as it is.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(ImageConditionerConfig)
    def __init__(self, config: ImageConditionerConfig) -> None:
        super().__init__()
        self.channels = config.image_channels

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """See :meth:`Conditioner.forward`."""
        return Context(y.shape[0], (y.shape[2], y.shape[3]), image=y)


@final
class LabelConditioner(Conditioner):
    """Embeds a class label, ``cond["label"]`` (B,) int64. Without a label, a learned "unknown" is used.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    takes = ("label",)

    @accepts_keywords(LabelConditionerConfig)
    def __init__(self, config: LabelConditionerConfig) -> None:
        super().__init__()
        self.classes, self.classes_of = config.classes, {"label": config.classes}
        self.embedding = nn.Embedding(config.classes + 1, config.context_vector)

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """See :meth:`Conditioner.forward`.

        Raises:
            ShapeError: The label does not have shape (B,), or is not a whole number from 0 to ``classes`` − 1.
        """
        label = cond.get("label")
        if label is None:
            label = torch.full((y.shape[0],), self.classes, device=y.device)
        elif label.shape != y.shape[:1] or label.is_floating_point():
            raise ShapeError(
                f"Expected label of shape ({y.shape[0]},) and whole numbers, got {tuple(label.shape)} of "
                f"{label.dtype}.",
                value=tuple(label.shape),
            )
        elif label.numel() and not 0 <= int(label.min()) <= int(label.max()) < self.classes:
            raise ShapeError(
                f"Expected labels from 0 to {self.classes - 1}, got {int(label.min())} to {int(label.max())}.",
                value=(int(label.min()), int(label.max())),
            )
        return Context(y.shape[0], (y.shape[2], y.shape[3]), vector=self.embedding(label))
