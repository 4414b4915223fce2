"""The rate in three parts, of which total correlation is weighed most."""

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
    """Returns the log of what each image's belief counts in the estimate of q(z), for each z: (B, B).

    Args:
        batch: B.
        images: N, of the data set.
        estimator: ``weighted``: 1/(N·B) each. ``stratified``, which is unbiased: 1/N for z's own image, 1/(B−1) for
            the others but one, and for that one what is missing to 1.

    Source: Isolating Sources of Disentanglement in VAEs (Chen et al., 2018), eq. S4 and S6, arXiv:1802.04942. The
    authors' code gives the stratified shares by column, so that a z's own image is not the one with 1/N; here it is.
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
    """Returns estimates of log q(z) and of Σ_d log q(z_d), under all images' beliefs together.

    Args:
        z: (B, D).
        mean: (B, D).
        logvar: (B, D).
        shares: See :func:`log_shares`, (B, B).

    Returns:
        Nats, (B,) each; memory grows with B²·D.
    """
    each = gaussian_log_prob(z[:, None], mean[None], logvar[None])  # (z, image, D)
    shares = shares.to(each)
    joint = torch.logsumexp(each.sum(2) + shares, 1)
    return joint, torch.logsumexp(each + shares[:, :, None], 1).sum(1)


@final
class TotalCorrelationLoss(Loss):
    """D + α·I + β·TC + γ·K, nats per image: the rate R = I + TC + K with each of its parts weighed.

        I = log q(z|x) − log q(z)      TC = log q(z) − Σ_d log q(z_d)      K = Σ_d log q(z_d) − log p(z)

    Args:
        config: Its parameters, which are also taken as keywords.

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
