"""Scores of a predicted distribution of a value, given by a density in closed form or by samples."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vaezoo.core.losses.restoration import ranked_score
from vaezoo.errors import ShapeError
from vaezoo.evaluate.calibration import check


class Ranks(NamedTuple):
    """How often a value had each rank among K samples.

    Attributes:
        shares: Share of each rank, (K + 1,), from 0 (below all samples) to K. The sum is 1.
        deviation: Σ |share − 1/(K + 1)|: 0 if all ranks are equally frequent, 2K/(K + 1) if all values have one rank.
    """

    shares: Tensor
    deviation: float


def crps_gaussian(error: Tensor, scale: Tensor) -> float:
    """Returns the mean continuous ranked probability score of normal distributions, in the unit of the error.

    It is σ·(z·(2Φ(z) − 1) + 2φ(z) − 1/√π) with z = error/σ. Smaller is better. The limit for σ → 0 is |error|.

    Args:
        error: Difference of the value and the distribution's mean, of any shape.
        scale: Standard deviation, of the same shape, positive.

    Raises:
        ShapeError: The shapes differ, there are no elements, or a scale is not positive.

    Source: Strictly Proper Scoring Rules, Prediction, and Estimation (Gneiting and Raftery, 2007).
    """
    check(error, scale)
    return ranked_score(error.double(), scale.double()).mean().item()


def crps_samples(x: Tensor, samples: Tensor, *, fair: bool = True) -> float:
    """Returns the mean continuous ranked probability score of ensembles, in the unit of x.

    It is the mean of |X_k − x| minus half the mean of |X_j − X_k|. The fair estimator takes the second mean over the
    K(K − 1) pairs of different samples. It is unbiased for the score of the distribution of the samples. The other
    estimator takes it over all K² pairs. It is the score of the ensemble itself, which is larger for few samples.

    Args:
        x: Values, of any shape.
        samples: Samples (K, ...) for each value. Their order does not matter.
        fair: Whether to use the fair estimator.

    Raises:
        ShapeError: The shapes do not agree, or there are too few samples: less than two if fair, else less than one.

    Source: Fair scores for ensemble forecasts (Ferro, 2014).
    """
    k = _check_samples(x, samples, least=2 if fair else 1)
    ascending = samples.double().sort(0).values
    near = (ascending - x.double()).abs().mean(0)
    weights = 2 * torch.arange(1, k + 1, dtype=torch.float64, device=samples.device) - k - 1
    apart = 2 * torch.tensordot(weights, ascending, 1)  # the sum of |X_j − X_k| over all pairs
    return (near - apart / (2 * k * (k - 1 if fair else k))).mean().item()


def rank_histogram(x: Tensor, samples: Tensor, seed: int = 0) -> Ranks:
    """Returns how often x had each rank among its samples. All are equally frequent if x is distributed like them.

    A U shape means that the samples are too close together, a hump that they are too far apart, a slope a bias.

    Args:
        x: Values, of any shape.
        samples: Samples (K, ...) for each value.
        seed: Random seed of the choice of rank among samples equal to x.

    Raises:
        ShapeError: The shapes do not agree, or there are no samples or elements.

    Source: Interpretation of Rank Histograms for Verifying Ensemble Forecasts (Hamill, 2001).
    """
    k = _check_samples(x, samples, least=1)
    below, equal = (samples < x).sum(0).flatten().cpu(), (samples == x).sum(0).flatten().cpu()
    draw = torch.rand(len(equal), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ranks = below + (draw * (equal + 1)).long()
    shares = torch.bincount(ranks, minlength=k + 1).double() / len(ranks)
    return Ranks(shares, (shares - 1 / (k + 1)).abs().sum().item())


def _check_samples(x: Tensor, samples: Tensor, least: int) -> int:
    if samples.ndim != x.ndim + 1 or samples.shape[1:] != x.shape or x.numel() == 0:
        shapes = tuple(x.shape), tuple(samples.shape)
        raise ShapeError(
            f"Expected samples (K, ...) for a non-empty x (...), got {shapes[1]} for {shapes[0]}.",
            value=shapes,
        )
    if len(samples) < least:
        raise ShapeError(f"Expected at least {least} samples, got {len(samples)}.", value=len(samples))
    return len(samples)
