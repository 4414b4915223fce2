"""A model and its loss as one module, which a trainer wraps, compiles and saves."""

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
    """A model with its loss. It adds the penalties of the latents, such as a codebook's commitment, to the loss.

    The penalties of all bounds that the loss computes are added, so a loss need not know of them. They count once, in
    the first phase that trains the encoder or the prior.

    Args:
        model: Model. If the loss ``freezes``, its parameters that no phase trains stop requiring gradients.
        loss: Loss.

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
        """Returns the loss with penalties, and its reports, for one batch at one step."""
        watched: list[Bound] = []
        self.model.watch = watched
        try:
            terms: Terms = self.loss(self.model, batch, step, phase)
        finally:
            self.model.watch = None
        if phase is not None and phase.name != self._penalised:
            return terms
        # A pass without gradients, such as a teacher's, adds no penalty. In validation no pass has any.
        seen = [b.latents.penalties for b in watched if b.distortion.requires_grad or not torch.is_grad_enabled()]
        sums = [torch.stack([*penalties.values()]).sum(0) for penalties in seen if penalties]
        return replace(terms, loss=terms.loss + torch.cat(sums).mean()) if sums else terms


def _moves_latents(prefix: str) -> bool:
    """Says whether parameters with this prefix include any of the encoder or the prior."""
    slots = ("model.encoder", "model.prior")
    return any(f"{prefix}.".startswith(f"{slot}.") or f"{slot}.".startswith(f"{prefix}.") for slot in slots)
