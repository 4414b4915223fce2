"""Distances of the latents of a batch from draws of the prior, and the losses that weigh them."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Loss, Phase, Terms, bound_reports
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import ConfigError, suggest

from .facts import InfoLossConfig, MMDLossConfig, SlicedLossConfig
from .latents import drawn_rows

KERNELS = ("rbf", "imq")
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Of the inverse multiquadric, as in the WAE authors' code."""


def kernel_values(a: Tensor, b: Tensor, kernel: str) -> Tensor:
    """Returns k(a_i, b_j) for rows (A, D) and (B, D): (A, B).

    ``rbf`` is exp(−‖a−b‖²/D), InfoVAE's; ``imq`` is Σ_s C/(C + ‖a−b‖²) with C = 2·D·s, WAE's for a prior N(0, I).
    """
    squared = ((a[:, None] - b[None]) ** 2).sum(2)
    width = a.shape[1]
    if kernel == "rbf":
        return torch.exp(-squared / width)
    return torch.stack([2 * width * s / (2 * width * s + squared) for s in SCALES]).sum(0)


def maximum_mean_discrepancy(a: Tensor, b: Tensor, kernel: str) -> Tensor:
    """Returns the unbiased estimate of MMD² between the laws of two sets of rows; by chance it may be below 0.

    Args:
        a: (A, D), two rows or more.
        b: (B, D), likewise.
        kernel: See :func:`kernel_values`.

    Source: A Kernel Two-Sample Test (Gretton et al., 2012), eq. 3.
    """

    def within(rows: Tensor) -> Tensor:
        values = kernel_values(rows, rows, kernel)
        return (values.sum() - values.diagonal().sum()) / (len(rows) * (len(rows) - 1))

    return within(a) + within(b) - 2 * kernel_values(a, b, kernel).mean()


def sliced_distance(a: Tensor, b: Tensor, directions: int) -> Tensor:
    """Returns the mean squared 2-Wasserstein distance of two sets' projections on random directions.

    Args:
        a: (B, D).
        b: (B, D), as many rows.
        directions: Number of directions, from torch's generator.
    """
    axes = torch.nn.functional.normalize(torch.randn(a.shape[1], directions, device=a.device), dim=0)
    return ((a @ axes).sort(0).values - (b @ axes).sort(0).values).square().mean()


def check_kernel(kernel: str) -> None:
    """Refuses a kernel that there is not.

    Raises:
        ConfigError: There is none of that name.
    """
    if kernel not in KERNELS:
        raise ConfigError(f"Expected a kernel, got {kernel!r}.", hint=suggest(kernel, KERNELS), value=kernel)


@final
class InfoLoss(Loss):
    """D + (1 − α)·R + (α + λ − 1)·MMD²: a rate that may count less, and latents that as a whole follow the prior.

    Args:
        config: Its parameters, which are also taken as keywords.

    Source: InfoVAE: Information Maximizing Variational Autoencoders (Zhao et al., 2017), eq. 6, arXiv:1706.02262.
    """

    @accepts_keywords(InfoLossConfig)
    def __init__(self, config: InfoLossConfig) -> None:
        super().__init__()
        check_kernel(config.kernel)
        self.alpha, self.weight, self.kernel = config.alpha, config.weight, config.kernel

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        distance = maximum_mean_discrepancy(*drawn_rows(model, bound), self.kernel)
        loss = bound.distortion.mean() + (1 - self.alpha) * bound.rate.mean()
        loss = loss + (self.alpha + self.weight - 1) * distance
        return Terms(loss, {**bound_reports(bound), "mmd": distance.detach()})


@final
class MMDLoss(Loss):
    """WAE-MMD: D + λ·MMD² of the latents and the prior; no rate, so a deterministic encoder serves too.

    Args:
        config: Its parameters, which are also taken as keywords.

    Source: Wasserstein Auto-Encoders (Tolstikhin et al., 2018), algorithm 2, arXiv:1711.01558.
    """

    @accepts_keywords(MMDLossConfig)
    def __init__(self, config: MMDLossConfig) -> None:
        super().__init__()
        check_kernel(config.kernel)
        self.weight, self.kernel = config.weight, config.kernel

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        distance = maximum_mean_discrepancy(*drawn_rows(model, bound), self.kernel)
        loss = bound.distortion.mean() + self.weight * distance
        return Terms(loss, {"distortion": bound.distortion.detach().mean(), "mmd": distance.detach()})


@final
class SlicedLoss(Loss):
    """SWAE: D + λ·SW² of the latents and the prior, from as many draws as images; no rate either.

    Args:
        config: Its parameters, which are also taken as keywords.

    Source: Sliced-Wasserstein Autoencoder (Kolouri et al., 2018), eq. 11, arXiv:1804.01947.
    """

    @accepts_keywords(SlicedLossConfig)
    def __init__(self, config: SlicedLossConfig) -> None:
        super().__init__()
        self.weight, self.directions = config.weight, config.directions

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        distance = sliced_distance(*drawn_rows(model, bound), self.directions)
        loss = bound.distortion.mean() + self.weight * distance
        return Terms(loss, {"distortion": bound.distortion.detach().mean(), "sliced_distance": distance.detach()})
