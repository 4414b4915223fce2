"""FactorVAE: penalises the total correlation of the latents, which a critic estimates."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Loss, Phase, Terms, bound_reports
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import TrainingError

from .critics import LatentCritic, as_judged, cell_rows, permuted, telling_apart
from .facts import FactorLossConfig


def halves(z: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the latents (B, ...) of the first and the second half of a batch, as rows (N, D), one per cell.

    Raises:
        TrainingError: The batch has only one image.
    """
    images = z.shape[0]
    if images < 2:
        raise TrainingError(
            f"Expected a batch of at least 2 images, for two halves, got {images}.",
            hint="Raise batch, or lower accumulate.",
            value=images,
        )
    return cell_rows(z[: (images + 1) // 2]), cell_rows(z[(images + 1) // 2 :])


@final
class FactorLoss(Loss):
    """D + R + γ·TC, nats per image. A critic that tells latents from permuted ones estimates TC.

        TC = E_q(z) log q(z)/Π_d q(z_d) ≈ E_q(z) critic(z)

    The model is trained on the whole batch. The critic sees latents of the first half, and latents of the second half
    with each dimension permuted over images. Both come from one pass, which a normalisation over the batch may need. On
    a grid, each cell is a row. TC, the dependence of the channels of a cell, is then summed over cells.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Disentangling by Factorising (Kim and Mnih, 2018), algorithm 2, arXiv:1802.05983. Without a phase, the loss
    is the sum of both phases, each with gradients to its own parameters only.
    """

    phases = (Phase("model", ("model",)), Phase("critic", ("loss.critic",)))

    @accepts_keywords(FactorLossConfig)
    def __init__(self, config: FactorLossConfig) -> None:
        super().__init__()
        self.gamma = config.gamma
        self.critic = LatentCritic(config.latent_channels, config.hidden)

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`.

        Raises:
            TrainingError: The batch has only one image.
        """
        name = None if phase is None else phase.name
        with torch.set_grad_enabled(torch.is_grad_enabled() and name != "critic"):
            bound = model(batch)
        z = bound.latents.z[0][0]
        first, second = halves(z.detach())
        loss, reports = bound.distortion.new_zeros(()), dict[str, Tensor]()
        if name in (None, "model"):
            correlation = torch.as_tensor(as_judged(self.critic, cell_rows(z))).sum() / len(z)
            loss = bound.distortion.mean() + bound.rate.mean() + self.gamma * correlation
            reports = bound_reports(bound) | {"total_correlation": correlation.detach()}
        if name in (None, "critic"):
            confusion = telling_apart(self.critic(first), self.critic(permuted(second)))
            loss, reports = loss + confusion, reports | {"critic_entropy": confusion.detach()}
        return Terms(loss, reports)
