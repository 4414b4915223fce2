"""FactorVAE: the total correlation of the latents, as a critic tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Loss, Phase, Terms
from vaezoo.core.loss import bound_reports, check_at_least
from vaezoo.errors import TrainingError

from .critics import LatentCritic, as_judged, cell_rows, permuted, telling_apart


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """Returns the first and the second half of a batch; of an odd number, the first has one image more.

    Raises:
        TrainingError: There is one image only.
    """
    images = batch.y.shape[0]
    if images < 2:
        raise TrainingError(
            f"Expected a batch of at least 2 images, for two halves, got {images}.",
            hint="Raise batch, or lower accumulate.",
            value=images,
        )
    first, second = slice(0, (images + 1) // 2), slice((images + 1) // 2, images)

    def part(rows: slice) -> Batch:
        return Batch(
            batch.y[rows],
            None if batch.x is None else batch.x[rows],
            {name: value[rows] for name, value in batch.cond.items()},
            {name: value[rows] for name, value in batch.info.items()},
        )

    return part(first), part(second)


@final
class FactorLoss(Loss):
    """D + R + γ·TC, nats per image, with TC from a critic that knows latents from permuted ones.

        TC = E_q(z) log q(z)/Π_d q(z_d) ≈ E_q(z) critic(z)

    The model learns from the first half of a batch. The critic sees that half's latents beside the second half's,
    each dimension of which is permuted over the images. Of a grid of latents each cell is a row, and TC, the
    dependence of the channels in one cell, is summed over cells.

    Args:
        latent_channels: D.
        gamma: γ.
        hidden: Widths of the critic's hidden layers.

    Source: Disentangling by Factorising (Kim and Mnih, 2018), algorithm 2, arXiv:1802.05983. Without a phase the loss
    is the sum of both phases', each with a gradient to its own parameters only.
    """

    phases = (Phase("model", ("model",)), Phase("critic", ("loss.critic",)))

    def __init__(self, latent_channels: int, gamma: float = 10.0, hidden: Sequence[int] = (256, 256)) -> None:
        super().__init__()
        check_at_least(0, gamma=gamma)
        self.gamma = gamma
        self.critic = LatentCritic(latent_channels, hidden)

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`.

        Raises:
            TrainingError: There is one image only.
        """
        first, second = halves(batch)
        loss, reports = batch.y.new_zeros((), dtype=torch.float32), dict[str, Tensor]()
        if phase is None or phase.name == "model":
            bound = model(first)
            z = bound.latents.z[0][0]
            correlation = torch.as_tensor(as_judged(self.critic, cell_rows(z))).sum() / len(z)
            loss = bound.distortion.mean() + bound.rate.mean() + self.gamma * correlation + bound.penalty.mean()
            reports = bound_reports(bound) | {"total_correlation": correlation.detach()}
        if phase is None or phase.name == "critic":
            with torch.no_grad():
                joint, other = (cell_rows(model(half).latents.z[0][0]) for half in (first, second))
            confusion = telling_apart(self.critic(joint), self.critic(permuted(other)))
            loss, reports = loss + confusion, reports | {"critic_entropy": confusion.detach()}
        return Terms(loss, reports)
