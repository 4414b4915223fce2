"""A model and its loss as one module: what a trainer wraps, compiles and saves."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import torch
from torch import nn

from vaezoo.core.context import Batch
from vaezoo.core.losses.loss import Loss, Phase, Terms
from vaezoo.core.results import Bound
from vaezoo.core.vae import VAE
from vaezoo.errors import TrainingError


@final
class Objective(nn.Module):
    """A model under a loss, and under the penalties of its latents, such as a codebook's commitment.

    The penalties of every bound that the loss asks the model for are added to it, so no loss needs to know of them.
    They count once, in the first phase that trains the encoder or the prior.

    Args:
        model: The VAE. Parameters that no phase trains no longer take gradients, if the loss ``freezes``.
        loss: Its loss.

    Raises:
        TrainingError: A trainable parameter is in no phase of the loss.
    """

    def __init__(self, model: VAE, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss
        self._penalised = next((phase.name for phase in loss.phases if any(map(_moves_latents, phase.trains))), "")
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
        """Returns the loss, penalties added, and its reports for one batch at one step."""
        watched: list[Bound] = []
        self.model.watch = watched
        try:
            terms: Terms = self.loss(self.model, batch, step, phase)
        finally:
            self.model.watch = None
        if phase is not None and phase.name != self._penalised:
            return terms
        # A pass without a gradient, such as a teacher's, costs nothing; in validation no pass has one.
        seen = [b.latents.penalties for b in watched if b.distortion.requires_grad or not torch.is_grad_enabled()]
        sums = [torch.stack([*penalties.values()]).sum(0) for penalties in seen if penalties]
        return replace(terms, loss=terms.loss + torch.cat(sums).mean()) if sums else terms


def _moves_latents(prefix: str) -> bool:
    """Says whether parameters of this prefix are, or have among them, the encoder's or the prior's."""
    slots = ("model.encoder", "model.prior")
    return any(f"{prefix}.".startswith(f"{slot}.") or f"{slot}.".startswith(f"{prefix}.") for slot in slots)
