"""Splits the rate into three parts, so that a loss can weight the total correlation most."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Loss, Phase, Terms, bound_reports, gaussian_log_prob
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import ConfigError, suggest

from .facts import TotalCorrelationLossConfig
from .latents import gaussian_rows

ESTIMATORS = ("weighted", "stratified")


def log_shares(batch: int, images: int, estimator: str) -> Tensor:
    """Returns the log weight of each image's belief in the estimate of q(z), for each z: (B, B).

    Args:
        batch: Number B of images of the batch.
        images: Number N of images of the data set.
        estimator: ``weighted``: 1/(N·B) each. ``stratified``, which is unbiased: 1/N for the image of z, 1/(B−1) for
            the others but one, and the rest to 1 for that one.

    Source: Isolating Sources of Disentanglement in VAEs (Chen et al., 2018), eq. S4 and S6, arXiv:1802.04942. The
    authors' code assigns the stratified weights by column, so that the weight 1/N is not that of z's own image. Here it
    is.
    """
    if estimator == "weighted":
        return torch.full((batch, batch), -math.log(images * batch))
    others = batch - 1
    shares = torch.full((batch, batch), 1 / others)
    rows = torch.arange(batch)
    shares[rows, rows] = 1 / images
    shares[rows, (rows + 1) % batch] = max(images - others, 0) / (images * others)
    return shares.log()


def log_aggregate(z: Tensor, mean: Tensor, logvar: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Estimates log q(z) and Σ_d log q(z_d), with q(z) the mixture of the beliefs of all images.

    Args:
        z: Latents (B, D).
        mean: Means of the beliefs (B, D).
        logvar: Log-variances of the beliefs (B, D).
        shares: Log weights (B, B); see :func:`log_shares`.

    Returns:
        Both in nats, (B,) each. Memory grows with B²·D.
    """
    each = gaussian_log_prob(z[:, None], mean[None], logvar[None])  # (z, image, D)
    shares = shares.to(each)
    joint = torch.logsumexp(each.sum(2) + shares, 1)
    return joint, torch.logsumexp(each + shares[:, :, None], 1).sum(1)


@final
class TotalCorrelationLoss(Loss):
    """D + α·I + β·TC + γ·K, nats per image: the rate R = I + TC + K with a weight for each part.

        I = log q(z|x) − log q(z)      TC = log q(z) − Σ_d log q(z_d)      K = Σ_d log q(z_d) − log p(z)

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Isolating Sources of Disentanglement in VAEs (Chen et al., 2018), eq. 4, arXiv:1802.04942.
    """

    @accepts_keywords(TotalCorrelationLossConfig)
    def __init__(self, config: TotalCorrelationLossConfig) -> None:
        super().__init__()
        if config.estimator not in ESTIMATORS:
            raise ConfigError(
                f"Expected an estimator, got {config.estimator!r}.",
                hint=suggest(config.estimator, ESTIMATORS),
                value=config.estimator,
            )
        self.alpha = config.alpha
        self.beta = config.beta
        self.gamma = config.gamma
        self.estimator = config.estimator
        self.images = config.images

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        z, mean, logvar = gaussian_rows(bound)
        joint, alone = log_aggregate(z, mean, logvar, log_shares(len(z), self.images, self.estimator))
        log_q, log_p = gaussian_log_prob(z, mean, logvar).sum(1), bound.latents.log_p[0]
        parts = {
            "mutual_information": (log_q - joint).mean(),
            "total_correlation": (joint - alone).mean(),
            "dimension_rate": (alone - log_p).mean(),
        }
        weighed = sum(w * part for w, part in zip((self.alpha, self.beta, self.gamma), parts.values(), strict=True))
        loss = bound.distortion.mean() + weighed
        return Terms(loss, bound_reports(bound) | {name: part.detach() for name, part in parts.items()})
