"""Losses whose critic compares latents with samples of the prior, until both have the same distribution.

On a grid, each cell is a row. A prior with parameters is moved towards the latents while they move towards it.
"""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core import VAE, Batch, Bound, Loss, Phase, Terms, gaussian_log_prob
from vaezoo.core.facts import accepts_keywords

from .critics import LatentCritic, as_judged, cell_rows, telling_apart
from .facts import AAELossConfig, WAEGANLossConfig


def drawn(model: VAE, bound: Bound) -> tuple[Tensor, Tensor]:
    """Returns samples of the prior and the latents of a batch, one row per cell: (N, D) each."""
    return cell_rows(model.prior.sample(bound.context).z[0][0]), cell_rows(bound.latents.z[0][0])


def reports_of(bound: Bound, **more: Tensor) -> dict[str, Tensor]:
    """Returns the distortion and further reports, detached from their gradients."""
    return {name: value.detach() for name, value in {"distortion": bound.distortion.mean(), **more}.items()}


@final
class AAELoss(Loss):
    """The adversarial autoencoder: D alone, then a critic, then an encoder that fools it. There is no rate.

    Each of the three phases has its own optimizer and its own pass, as in the paper.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Adversarial Autoencoders (Makhzani et al., 2015), section 2, arXiv:1511.05644. Without a phase, the loss is
    the sum of all phases, with gradients of the critic's term to the critic only.
    """

    phases = (
        Phase("reconstruction", ("model",)),
        Phase("critic", ("loss.critic",)),
        Phase("fooling", ("model.encoder", "model.refine", "model.prior")),
    )

    @accepts_keywords(AAELossConfig)
    def __init__(self, config: AAELossConfig) -> None:
        super().__init__()
        self.critic = LatentCritic(config.latent_channels, config.hidden)

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        name = None if phase is None else phase.name
        with torch.set_grad_enabled(torch.is_grad_enabled() and name != "critic"):
            bound = model(batch)
            prior, latents = drawn(model, bound)
        loss, reports = bound.distortion.new_zeros(()), dict[str, Tensor]()
        if name in (None, "reconstruction"):
            loss = bound.distortion.mean()
            reports = reports_of(bound)
        if name in (None, "critic"):
            confusion = telling_apart(self.critic(prior.detach()), self.critic(latents.detach()))
            loss, reports = loss + confusion, reports | {"critic_entropy": confusion.detach()}
        if name in (None, "fooling"):
            fooled = telling_apart(*(torch.as_tensor(as_judged(self.critic, rows)) for rows in (latents, prior)))
            loss, reports = loss + fooled, reports | {"fooling": fooled.detach()}
        return Terms(loss, reports)


@final
class WAEGANLoss(Loss):
    """WAE-GAN: D + λ·E[−log critic(z)], with a critic between latents and samples of N(0, I).

    The critic's logit is the output of a network plus log N(z; 0, I), so it has to learn only the density of the
    latents.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Wasserstein Auto-Encoders (Tolstikhin et al., 2018), algorithm 1 and section 4, arXiv:1711.01558. For a
    prior other than N(0, I), the network learns the difference too. Without a phase, the loss is the sum of both.
    """

    phases = (Phase("model", ("model",)), Phase("critic", ("loss.critic",)))

    @accepts_keywords(WAEGANLossConfig)
    def __init__(self, config: WAEGANLossConfig) -> None:
        super().__init__()
        self.weight = config.weight
        self.critic = LatentCritic(config.latent_channels, config.hidden)

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        name = None if phase is None else phase.name
        with torch.set_grad_enabled(torch.is_grad_enabled() and name != "critic"):
            bound = model(batch)
            prior, latents = drawn(model, bound)
        loss, reports = bound.distortion.new_zeros(()), dict[str, Tensor]()
        if name in (None, "model"):
            judged = [torch.as_tensor(as_judged(self.critic, r)) + standard_log_prob(r) for r in (latents, prior)]
            fooled = F.softplus(-judged[0]).mean() + F.softplus(judged[1]).mean()
            loss = bound.distortion.mean() + self.weight * fooled
            reports = reports_of(bound, fooling=fooled)
        if name in (None, "critic"):
            logits = [self.critic(rows) + standard_log_prob(rows) for rows in (prior.detach(), latents.detach())]
            confusion = telling_apart(*logits)
            loss, reports = loss + confusion, reports | {"critic_entropy": confusion.detach()}
        return Terms(loss, reports)


def standard_log_prob(rows: Tensor) -> Tensor:
    """Returns log N(0, I) of rows (N, D), (N,) nats."""
    zero = torch.zeros_like(rows)
    return gaussian_log_prob(rows, zero, zero).sum(1)
