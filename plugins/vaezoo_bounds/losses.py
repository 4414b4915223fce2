"""Losses equal to minus an importance-weighted bound, in nats per image. ``gradients`` has another gradient.

With weights w = p(x|z) p(z) / q(z|x), the bounds for M groups of K samples are

    ELBO ≤ MIWAE = mean over groups of log(mean of w in the group) ≤ IWAE = log(mean of all w) ≤ log p(x)

in expectation. With a Bernoulli likelihood, they bound log p(x) for binary pixels only.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Bound, Loss, Phase, Terms, bound_reports
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import NotNormalised

from .facts import CIWAELossConfig, IWAELossConfig, MIWAELossConfig, PIWAELossConfig


def log_weights(bound: Bound) -> Tensor:
    """Returns log w of a bound's samples, (K, B) nats.

    Raises:
        NotNormalised: The likelihood, prior or posterior has no density.
    """
    if not bound.likelihood.normalised:
        raise NotNormalised(
            f"An importance weight needs a density of x, but {type(bound.likelihood).__name__} is none.",
            hint="Choose a likelihood with a scale of its own, or the loss elbo.",
            value=type(bound.likelihood).__name__,
        )
    return bound.log_weight


def importance_bound(log_w: Tensor) -> Tensor:
    """Returns the logarithm of the mean weight over samples, from log w (K, ...) to (...) nats."""
    return torch.logsumexp(log_w, 0) - math.log(log_w.shape[0])


def terms_of(bound: Bound, values: Tensor, loss: Tensor | None = None) -> Terms:
    """Returns reports for values (B,) of a bound, with the loss: minus their mean, unless another is given."""
    loss = -values.mean() if loss is None else loss
    return Terms(loss, {**bound_reports(bound), "weighted_bound": values.detach().mean()})


@final
class IWAELoss(Loss):
    """−log of the mean weight of K samples. K = 1 is the bound with one sample.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Importance Weighted Autoencoders (Burda et al., 2015), eq. 8, arXiv:1509.00519.
    """

    @accepts_keywords(IWAELossConfig)
    def __init__(self, config: IWAELossConfig) -> None:
        super().__init__()
        self.samples = config.samples

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch, k=self.samples)
        return terms_of(bound, importance_bound(log_weights(bound)))


@final
class MIWAELoss(Loss):
    """The mean of M bounds with K samples each. M = 1 is IWAE; K = 1 is the bound with M samples.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), eq. 14, arXiv:1802.04537.
    """

    @accepts_keywords(MIWAELossConfig)
    def __init__(self, config: MIWAELossConfig) -> None:
        super().__init__()
        self.samples, self.groups = config.samples, config.groups

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch, k=self.samples * self.groups)
        log_w = log_weights(bound).view(self.samples, self.groups, -1)
        return terms_of(bound, importance_bound(log_w).mean(0))


@final
class CIWAELoss(Loss):
    """β times the bound with single samples plus 1 − β times that with all K. β = 1 is the ELBO, β = 0 is IWAE.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), eq. 15, arXiv:1802.04537.
    """

    @accepts_keywords(CIWAELossConfig)
    def __init__(self, config: CIWAELossConfig) -> None:
        super().__init__()
        self.samples, self.beta = config.samples, config.beta

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch, k=self.samples)
        log_w = log_weights(bound)
        return terms_of(bound, self.beta * log_w.mean(0) + (1 - self.beta) * importance_bound(log_w))


@final
class PIWAELoss(Loss):
    """The encoder maximises MIWAE, and all else IWAE with all M·K samples, in two phases with their own samples.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), section 5, arXiv:1802.04537.
    The paper uses one set of samples for both; here a step costs two passes. Without a phase, both use MIWAE.
    """

    phases = (
        Phase("inference", ("model.encoder", "model.refine")),
        Phase("generation", ("model.prior", "model.decoder", "model.conditioner", "loss")),
    )

    @accepts_keywords(PIWAELossConfig)
    def __init__(self, config: PIWAELossConfig) -> None:
        super().__init__()
        self.samples, self.groups = config.samples, config.groups

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch, k=self.samples * self.groups)
        log_w = log_weights(bound)
        if phase is not None and phase.name == "generation":
            return terms_of(bound, importance_bound(log_w))
        return terms_of(bound, importance_bound(log_w.view(self.samples, self.groups, -1)).mean(0))
