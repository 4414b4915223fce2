"""The loss of an autoencoder without a posterior."""

from __future__ import annotations

from typing import final

from vaezoo.core import VAE, Batch, Loss, Phase, Terms


@final
class ReconstructionLoss(Loss):
    """The distortion alone, −log p(x|z) in nats per image: what is left of the bound where there is no rate."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        distortion = bound.distortion.mean()
        return Terms(distortion + bound.penalty.mean(), {"distortion": distortion.detach()})
