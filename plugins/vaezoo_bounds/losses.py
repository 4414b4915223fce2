"""Losses that are minus an importance-weighted bound, in nats per image. Another gradient is in ``gradients``.

With weights w = p(x|z) p(z) / q(z|x), the bounds of M groups of K samples are

    ELBO ≤ MIWAE = mean over groups of log(mean of w in the group) ≤ IWAE = log(mean of all w) ≤ log p(x)

in expectation. As with every Bernoulli likelihood of gray pixels, they bound log p(x) for binary pixels only.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Bound, Loss, Phase, Terms, bound_reports, check_at_least
from vaezoo.errors import ConfigError, NotNormalised


def log_weights(bound: Bound) -> Tensor:
    """Returns log w of a bound's samples, (K, B) nats.

    Raises:
        NotNormalised: Likelihood, prior or posterior is no density.
    """
    if not bound.likelihood.normalised:
        raise NotNormalised(
            f"An importance weight needs a density of x, but {type(bound.likelihood).__name__} is none.",
            hint="Choose a likelihood with a scale of its own, or the loss elbo.",
            value=type(bound.likelihood).__name__,
        )
    return bound.log_weight


def importance_bound(log_w: Tensor) -> Tensor:
    """Returns log of the mean weight over the samples, from log w (K, ...) to (...) nats."""
    return torch.logsumexp(log_w, 0) - math.log(log_w.shape[0])


def terms_of(bound: Bound, values: Tensor, loss: Tensor | None = None) -> Terms:
    """Returns the loss of a bound's values (B,), minus their mean unless another is given, and the reports."""
    loss = -values.mean() if loss is None else loss
    return Terms(loss, {**bound_reports(bound), "weighted_bound": values.detach().mean()})


@final
class IWAELoss(Loss):
    """−log of the mean weight of K samples; K of 1 is the bound of one sample.

    Args:
        samples: K.

    Source: Importance Weighted Autoencoders (Burda et al., 2015), eq. 8, arXiv:1509.00519.
    """

    def __init__(self, samples: int = 5) -> None:
        super().__init__()
        check_at_least(1, samples=samples)
        self.samples = samples

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch, k=self.samples)
        return terms_of(bound, importance_bound(log_weights(bound)))


@final
class MIWAELoss(Loss):
    """The mean of M bounds of K samples each: M of 1 is IWAE, K of 1 the bound of M samples.

    Args:
        samples: K, in a group.
        groups: M.

    Source: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), eq. 14, arXiv:1802.04537.
    """

    def __init__(self, samples: int = 8, groups: int = 8) -> None:
        super().__init__()
        check_at_least(1, samples=samples, groups=groups)
        self.samples, self.groups = samples, groups

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch, k=self.samples * self.groups)
        log_w = log_weights(bound).view(self.samples, self.groups, -1)
        return terms_of(bound, importance_bound(log_w).mean(0))


@final
class CIWAELoss(Loss):
    """β times the bound of single samples and 1 − β times that of all K: 1 is the ELBO, 0 is IWAE.

    Args:
        samples: K.
        beta: Weight of the ELBO, from 0 to 1.

    Raises:
        ConfigError: ``beta`` is above 1.

    Source: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), eq. 15, arXiv:1802.04537.
    """

    def __init__(self, samples: int = 8, beta: float = 0.5) -> None:
        super().__init__()
        check_at_least(1, samples=samples)
        check_at_least(0, beta=beta)
        if beta > 1:
            raise ConfigError(f"Expected beta between 0 (IWAE) and 1 (the ELBO), got {beta}.", value=beta)
        self.samples, self.beta = samples, beta

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch, k=self.samples)
        log_w = log_weights(bound)
        return terms_of(bound, self.beta * log_w.mean(0) + (1 - self.beta) * importance_bound(log_w))


@final
class PIWAELoss(Loss):
    """The encoder climbs MIWAE, everything else IWAE of all M·K samples: two phases, each with samples of its own.

    Args:
        samples: K, in a group of the encoder's bound.
        groups: M.

    Source: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), section 5, arXiv:1802.04537.
    The paper uses one set of samples for both; here a step costs two passes. Without a phase, both descend on MIWAE.
    """

    phases = (
        Phase("inference", ("model.encoder", "model.refine")),
        Phase("generation", ("model.prior", "model.decoder", "model.conditioner", "loss")),
    )

    def __init__(self, samples: int = 8, groups: int = 8) -> None:
        super().__init__()
        check_at_least(1, samples=samples, groups=groups)
        self.samples, self.groups = samples, groups

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch, k=self.samples * self.groups)
        log_w = log_weights(bound)
        if phase is not None and phase.name == "generation":
            return terms_of(bound, importance_bound(log_w))
        return terms_of(bound, importance_bound(log_w.view(self.samples, self.groups, -1)).mean(0))
