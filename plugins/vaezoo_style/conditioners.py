"""Conditioners that turn a style into the context's vector: from its class, a code of numbers, or a reference image."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import Conditioner, Context, check_shape
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import ShapeError

from .facts import StyleClassConditionerConfig, StyleCodeConditionerConfig, StyleReferenceConditionerConfig


def _context(y: Tensor, vector: Tensor) -> Context:
    return Context(y.shape[0], (y.shape[2], y.shape[3]), vector=vector)


@final
class StyleClassConditioner(Conditioner):
    """Embeds ``cond["style_class"]`` (B,) int64. Without it, the style is the first, plain one.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    takes = ("style_class",)

    @accepts_keywords(StyleClassConditionerConfig)
    def __init__(self, config: StyleClassConditionerConfig) -> None:
        super().__init__()
        self.styles, self.classes_of = config.styles, {"style_class": config.styles}
        self.embedding = nn.Embedding(config.styles, config.context_vector)

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """See :meth:`vaezoo.core.Conditioner.forward`.

        Raises:
            ShapeError: The class does not have shape (B,), or is not a whole number from 0 to ``styles`` − 1.
        """
        style = cond.get("style_class")
        if style is None:
            style = torch.zeros(y.shape[0], dtype=torch.int64, device=y.device)
        elif style.shape != y.shape[:1] or style.is_floating_point():
            raise ShapeError(
                f"Expected style_class of shape ({y.shape[0]},) and whole numbers, got {tuple(style.shape)} of "
                f"{style.dtype}.",
                value=tuple(style.shape),
            )
        elif style.numel() and not 0 <= int(style.min()) <= int(style.max()) < self.styles:
            raise ShapeError(
                f"Expected style_class from 0 to {self.styles - 1}, got {int(style.min())} to {int(style.max())}.",
                value=(int(style.min()), int(style.max())),
            )
        return _context(y, self.embedding(style))


@final
class StyleCodeConditioner(Conditioner):
    """Two dense layers from ``cond["style_code"]`` (B, factors) to the vector. Without it, the code is 0.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    takes = ("style_code",)

    @accepts_keywords(StyleCodeConditionerConfig)
    def __init__(self, config: StyleCodeConditionerConfig) -> None:
        super().__init__()
        self.factors = config.factors
        self.embed = nn.Sequential(
            nn.Linear(config.factors, config.hidden), nn.SiLU(), nn.Linear(config.hidden, config.context_vector)
        )

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """See :meth:`vaezoo.core.Conditioner.forward`.

        Raises:
            ShapeError: The code does not have shape (B, factors), or is not floating-point.
        """
        code = cond.get("style_code")
        if code is None:
            code = y.new_zeros(y.shape[0], self.factors)
        elif code.shape != (y.shape[0], self.factors) or not code.is_floating_point():
            raise ShapeError(
                f"Expected style_code of shape ({y.shape[0]}, {self.factors}) and floating point, got "
                f"{tuple(code.shape)} of {code.dtype}.",
                value=tuple(code.shape),
            )
        return _context(y, self.embed(code.to(y)))


@final
class StyleReferenceConditioner(Conditioner):
    """Convolutions and a mean over ``cond["style_reference"]`` (B, C, H, W). Without it, y shows its own style.

    The mean is over the whole reference. A tile would have another style than its image, so give a reference for
    tiling.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    takes = ("style_reference",)

    @accepts_keywords(StyleReferenceConditionerConfig)
    def __init__(self, config: StyleReferenceConditionerConfig) -> None:
        super().__init__()
        # not `channels`: it can do without y, so a model samples without one
        self.image_channels = config.image_channels
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([config.image_channels, *config.widths]):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.SiLU()]
        self.look = nn.Sequential(*layers)
        self.embed = nn.Linear(config.widths[-1], config.context_vector)

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """See :meth:`vaezoo.core.Conditioner.forward`.

        Raises:
            ShapeError: The reference does not have C channels, or has another number of rows.
        """
        reference = check_shape(cond.get("style_reference", y), self.image_channels, what="style_reference")
        if reference.shape[0] != y.shape[0]:
            raise ShapeError(
                f"Expected a style_reference for each of {y.shape[0]} images, got {reference.shape[0]}.",
                value=reference.shape[0],
            )
        return _context(y, self.embed(self.look(reference.to(y)).mean((2, 3))))
