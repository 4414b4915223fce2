"""A model and its loss as one module: what a trainer wraps, compiles and saves."""

from __future__ import annotations

from typing import final

from torch import nn

from vaezoo.core.context import Batch
from vaezoo.core.losses.loss import Loss, Phase, Terms
from vaezoo.core.vae import VAE
from vaezoo.errors import TrainingError


@final
class Objective(nn.Module):
    """A model under a loss.

    Args:
        model: The VAE. Parameters that no phase trains no longer take gradients, if the loss ``freezes``.
        loss: Its loss.

    Raises:
        TrainingError: A trainable parameter is in no phase of the loss.
    """

    def __init__(self, model: VAE, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss
        prefixes = tuple(p + "." for phase in loss.phases for p in phase.trains)
        stray = [n for n, p in self.named_parameters() if p.requires_grad and not n.startswith(prefixes)]
        if loss.freezes:
            for name in stray:
                self.get_parameter(name).requires_grad_(False)
        elif stray:
            raise TrainingError(
                f"Expected every parameter in a phase of {type(loss).__name__}, got {len(stray)} in none, "
                f"such as {stray[0]!r}.",
                hint="Name its prefix in a phase's trains, or freeze it with requires_grad_(False).",
                value=stray,
            )

    def forward(self, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """Returns the loss and its reports for one batch at one step."""
        terms: Terms = self.loss(self.model, batch, step, phase)
        return terms
