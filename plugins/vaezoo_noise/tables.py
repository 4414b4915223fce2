"""Noise as a table of counts: p(y|s) of any form, from pairs of noisy and clean pixels."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.errors import ConfigError, ShapeError

LOW, HIGH = -0.5, 1.5


@final
class HistogramNoise(nn.Module):
    """log p(y|s) from a table: constant in each bin of y, linear in s between the centres of its bins.

    It starts as a Gaussian. :func:`fit_histogram` fills it from pairs, and no gradient changes it. A y out of range
    counts in the outermost bin.

    Args:
        bins: Number B of bins of y and of s, over [−0.5, 1.5].
        sigma: Width of the initial Gaussian.

    Raises:
        ConfigError: ``bins`` is below 2, or ``sigma`` is not above 0.

    Source: Probabilistic Noise2Void (Krull et al., 2020), arXiv:1906.00651; DivNoising, arXiv:2006.06072.
    """

    def __init__(self, bins: int = 64, sigma: float = 0.2) -> None:
        super().__init__()
        if bins < 2 or not sigma > 0:
            raise ConfigError(
                f"Expected at least 2 bins and a sigma above 0, got {bins}, {sigma}.", value=(bins, sigma)
            )
        self.bins, self.width = bins, (HIGH - LOW) / bins
        centres = LOW + self.width * (torch.arange(bins) + 0.5)
        falls = torch.log_softmax(-0.5 * ((centres[None] - centres[:, None]) / sigma) ** 2, 1)
        self.log_table: Tensor
        self.register_buffer("log_table", falls - math.log(self.width))  # (bins of s, bins of y)

    def log_density(self, y: Tensor, signal: Tensor) -> Tensor:
        """See :meth:`vaezoo_noise.noises.Density.log_density`."""
        table = self.log_table.float()
        column = ((y.float() - LOW) / self.width).long().clamp(0, self.bins - 1)
        place = ((signal.float() - LOW) / self.width - 0.5).clamp(1e-5, self.bins - 1 - 1e-5)
        row = place.detach().long().clamp(0, self.bins - 2)
        share = (place - row).clamp(1e-5, 1 - 1e-5)
        below, above = table[row, column], table[row + 1, column]
        return torch.logaddexp(torch.log1p(-share) + below, share.log() + above)


def check_pairs(y: Tensor, signal: Tensor) -> None:
    """Raises if pixels do not form pairs.

    Raises:
        ShapeError: The shapes differ, or there are no pixels.
    """
    if y.shape != signal.shape or not y.numel():
        raise ShapeError(
            f"Expected noisy and clean pixels of one shape, got {tuple(y.shape)} and {tuple(signal.shape)}.",
            value=(y.shape, signal.shape),
        )


@torch.no_grad()
def fit_histogram(y: Tensor, signal: Tensor, bins: int = 64, smooth: float = 0.01) -> HistogramNoise:
    """Counts pairs of pixels.

    Args:
        y: Noisy pixels, of any shape.
        signal: Clean pixels of the same shape: photographed, or estimated by denoising (bootstrapping).
        bins: Number of bins; see :class:`HistogramNoise`.
        smooth: Initial count of each bin, which keeps the logarithm finite.

    Raises:
        ShapeError: The shapes differ, or there are no pixels.
        ConfigError: ``smooth`` is not above 0.
    """
    check_pairs(y, signal)
    if not smooth > 0:
        raise ConfigError(f"Expected smooth above 0, got {smooth}.", value=smooth)
    noise = HistogramNoise(bins)
    row, column = (((t.float().flatten().cpu() - LOW) / noise.width).long().clamp(0, bins - 1) for t in (signal, y))
    counts = torch.bincount(row * bins + column, minlength=bins * bins).view(bins, bins).float()
    seen = torch.nonzero(counts.sum(1))[:, 0]
    nearest = seen[(torch.arange(bins)[:, None] - seen[None]).abs().argmin(1)]
    shift = torch.arange(bins)[None] - (torch.arange(bins) - nearest)[:, None]
    counts = counts[nearest[:, None], shift.clamp(0, bins - 1)] * ((shift >= 0) & (shift < bins)) + smooth
    noise.log_table.copy_((counts / counts.sum(1, keepdim=True)).log() - math.log(noise.width))
    return noise
