"""Distances between the latents of a batch and samples of the prior, and losses with them."""

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
"""Scales of the inverse multiquadric kernel, as in the code of the WAE authors."""


def kernel_values(a: Tensor, b: Tensor, kernel: str) -> Tensor:
    """Returns k(a_i, b_j) for rows (A, D) and (B, D): (A, B).

    ``rbf`` is exp(−‖a−b‖²/D), as in InfoVAE. ``imq`` is Σ_s C/(C + ‖a−b‖²) with C = 2·D·s, as in WAE for N(0, I).
    """
    squared = ((a[:, None] - b[None]) ** 2).sum(2)
    width = a.shape[1]
    if kernel == "rbf":
        return torch.exp(-squared / width)
    return torch.stack([2 * width * s / (2 * width * s + squared) for s in SCALES]).sum(0)


def maximum_mean_discrepancy(a: Tensor, b: Tensor, kernel: str) -> Tensor:
    """Returns the unbiased estimate of MMD² between the distributions of two sets of rows. It may be negative.

    Args:
        a: Rows (A, D), at least two.
        b: Rows (B, D), at least two.
        kernel: Name of the kernel; see :func:`kernel_values`.

    Source: A Kernel Two-Sample Test (Gretton et al., 2012), eq. 3.
    """

    def within(rows: Tensor) -> Tensor:
        values = kernel_values(rows, rows, kernel)
        return (values.sum() - values.diagonal().sum()) / (len(rows) * (len(rows) - 1))

    return within(a) + within(b) - 2 * kernel_values(a, b, kernel).mean()


def sliced_distance(a: Tensor, b: Tensor, directions: int) -> Tensor:
    """Returns the mean squared 2-Wasserstein distance of two sets, projected on random directions.

    Args:
        a: Rows (B, D).
        b: Rows (B, D), as many.
        directions: Number of directions, drawn from torch's generator.
    """
    axes = torch.nn.functional.normalize(torch.randn(a.shape[1], directions, device=a.device), dim=0)
    return ((a @ axes).sort(0).values - (b @ axes).sort(0).values).square().mean()


def check_kernel(kernel: str) -> None:
    """Raises for an unknown kernel.

    Raises:
        ConfigError: The kernel is unknown.
    """
    if kernel not in KERNELS:
        raise ConfigError(f"Expected a kernel, got {kernel!r}.", hint=suggest(kernel, KERNELS), value=kernel)


@final
class InfoLoss(Loss):
    """D + (1 − α)·R + (α + λ − 1)·MMD²: the rate may count less, while the latents as a whole follow the prior.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

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
    """WAE-MMD: D + λ·MMD² between latents and prior. There is no rate, so the encoder may be deterministic.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

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
    """SWAE: D + λ·SW² between latents and prior, with as many samples as images. There is no rate either.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

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
