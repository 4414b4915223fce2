"""A model that has learnt already and shows another one what it makes of each batch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, final

import torch

from vaezoo.core import VAE, Batch
from vaezoo.errors import TrainingError


@final
class Teacher:
    """Adds the mean path of a pretrained model to batches, as ``info["teacher"]`` (B, C, H, W) in [0, 1].

    Args:
        name: The model with its tag, such as ``denoise.open``, or without one for the first.
        student: The model that is trained.
        memory_format: Of the teacher's weights.

    Raises:
        TrainingError: The teacher's images are not of the student's kind.
        UnknownName: No model or weights of that name.
    """

    def __init__(self, name: str, student: VAE, memory_format: torch.memory_format) -> None:
        from vaezoo.zoo import create

        device = next(student.parameters()).device
        self.model = create(name, pretrained=True, device=device).to(memory_format=memory_format)  # type: ignore[call-overload]
        self.model.requires_grad_(False)
        if (self.model.channels, self.model.encodes) != (student.channels, "target"):
            raise TrainingError(
                f"A teacher restores images of {student.channels} channels here, but {name} has "
                f"{self.model.channels} and encodes its {self.model.encodes}.",
                hint="Name a model of the same task.", value=name,
            )  # fmt: skip

    @property
    def sha256(self) -> str:
        """The hash of its weights."""
        digest: str = self.model.origin.weights.sha256
        return digest

    @torch.no_grad()
    def show(self, batch: Batch, arithmetic: Callable[[], AbstractContextManager[Any]]) -> Batch:
        """Returns the batch with the teacher's images."""
        with arithmetic():
            shown = self.model.restore(batch.y, batch.cond).image
        return replace(batch, info={**batch.info, "teacher": shown.float()})
