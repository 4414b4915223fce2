"""Learning from a larger model too: what it makes of a damaged picture takes the place of a part of the target."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import torch

from vaezoo.core import Batch, Noise
from vaezoo.core.restoration import expect_gaussian
from vaezoo.train.recipe import TeacherRecipe


@final
class Teacher:
    """A trained restorer that stands in for a part of the truth.

    The truth holds what nobody can know of a damaged picture, and the gradient is mostly that. A teacher's guess does
    not, so that little but what the model has still to learn is left.

    Args:
        recipe: Which model, and how large its part is.
        device: Where it works.

    Raises:
        UnknownName: No such model.
        WeightsError: Its weights are missing or do not fit.

    Source: Distilling the Knowledge in a Neural Network (Hinton et al., 2015), arXiv:1503.02531, for pictures.
    """

    def __init__(self, recipe: TeacherRecipe, device: torch.device) -> None:
        from vaezoo.zoo import create

        weights = Path(recipe.weights) if recipe.weights else True
        self.model = create(recipe.model, pretrained=weights, device=device).eval().requires_grad_(False)
        self.share = recipe.share

    @property
    def sha256(self) -> str:
        """Hash of the file of its weights."""
        return str(self.model.origin.weights.sha256)

    @torch.no_grad()
    def __call__(self, batch: Batch, arithmetic: AbstractContextManager[Any]) -> Batch:
        """Returns the batch with ``share`` of its target taken from the teacher's mean path.

        Args:
            batch: Damaged pictures and their targets.
            arithmetic: The precision to work in.

        Raises:
            IncompatibleParts: The teacher gives no picture with a scale.
        """
        with arithmetic:
            context = self.model.context(batch.y, batch.cond)
            _, likelihood = self.model.path(context, noise=Noise(temperature=0))
        guess = expect_gaussian(likelihood, "A teacher").image
        return replace(batch, x=torch.lerp(batch.target, guess.to(batch.target), self.share))
