"""The bound, with the distance from the identity of the latents' covariance over a batch."""

from __future__ import annotations

from typing import final

from torch import Tensor

from vaezoo.core import VAE, Batch, Bound, Loss, Phase, Terms, bound_reports
from vaezoo.core.facts import accepts_keywords

from .facts import DIPMeansLossConfig, DIPSamplesLossConfig
from .latents import gaussian_rows


def covariance(rows: Tensor) -> Tensor:
    """Returns the covariance of rows (B, D), (D, D), with the divisor B."""
    centred = rows - rows.mean(0)
    return centred.T @ centred / len(rows)


def distance_from_identity(matrix: Tensor, off_diagonal: float, diagonal: float) -> Tensor:
    """Returns the weighted sum of Σ_{i≠j} M_ij² and Σ_i (M_ii − 1)², a scalar without unit."""
    own = matrix.diagonal()
    return off_diagonal * ((matrix**2).sum() - (own**2).sum()) + diagonal * ((own - 1) ** 2).sum()


def _terms(bound: Bound, distance: Tensor) -> Terms:
    loss = -bound.elbo.mean() + distance
    return Terms(loss, {**bound_reports(bound), "covariance_distance": distance.detach()})


@final
class DIPMeansLoss(Loss):
    """DIP-VAE-I: the negative bound plus the distance of Cov[μ] from the identity.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Variational Inference of Disentangled Latent Concepts from Unlabeled Observations (Kumar et al., 2017),
    eq. 6, arXiv:1711.00848.
    """

    @accepts_keywords(DIPMeansLossConfig)
    def __init__(self, config: DIPMeansLossConfig) -> None:
        super().__init__()
        self.off_diagonal, self.diagonal = config.off_diagonal, config.diagonal

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        _, mean, _ = gaussian_rows(bound)
        return _terms(bound, distance_from_identity(covariance(mean), self.off_diagonal, self.diagonal))


@final
class DIPSamplesLoss(Loss):
    """DIP-VAE-II: like DIP-VAE-I, but with the covariance of z, Cov[μ] + E[diag σ²].

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Variational Inference of Disentangled Latent Concepts from Unlabeled Observations (Kumar et al., 2017),
    eq. 7, arXiv:1711.00848.
    """

    @accepts_keywords(DIPSamplesLossConfig)
    def __init__(self, config: DIPSamplesLossConfig) -> None:
        super().__init__()
        self.off_diagonal, self.diagonal = config.off_diagonal, config.diagonal

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        _, mean, logvar = gaussian_rows(bound)
        whole = covariance(mean) + logvar.exp().mean(0).diag()
        return _terms(bound, distance_from_identity(whole, self.off_diagonal, self.diagonal))
