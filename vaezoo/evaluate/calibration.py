"""Calibration of a predicted standard deviation: how often errors stay within it, and whether they grow with it."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.errors import ShapeError

INTERVALS = {68: 1.0, 90: 1.645, 95: 1.96}
"""Nominal coverage of a normal error, in percent, and the half width in standard deviations."""


def coverage(error: Tensor, scale: Tensor) -> dict[int, float]:
    """Returns the share of errors within 1, 1.645 and 1.96 standard deviations, by nominal percentage.

    For a calibrated model with normal errors they are 0.683, 0.900 and 0.950.

    Args:
        error: Errors, of any shape.
        scale: Predicted standard deviations, of the same shape and unit, positive.

    Raises:
        ShapeError: The shapes differ, or a scale is not positive.
    """
    check(error, scale)
    size = error.abs() / scale
    return {nominal: (size <= width).double().mean().item() for nominal, width in INTERVALS.items()}


def ence(error: Tensor, scale: Tensor, bins: int = 15) -> float:
    """Returns the expected normalised calibration error; 0 for a calibrated scale.

    Elements are sorted by scale and put into bins of equal count. In each bin the root mean variance (RMV) is compared
    with the root mean squared error (RMSE). The result is the mean of |RMV − RMSE| / RMV.

    Args:
        error: Errors, of any shape.
        scale: Predicted standard deviations, of the same shape and unit, positive.
        bins: Number of bins.

    Raises:
        ShapeError: The shapes differ, there are fewer elements than bins, or a scale is not positive.

    Source: Evaluating and Calibrating Uncertainty Prediction in Regression Tasks (Levi et al., 2019), eq. 8,
    arXiv:1905.11659.
    """
    check(error, scale, least=bins)
    order = scale.flatten().argsort()
    squares, variances = error.flatten()[order].double() ** 2, scale.flatten()[order].double() ** 2
    gaps = []
    for square, variance in zip(squares.tensor_split(bins), variances.tensor_split(bins), strict=True):
        rmv, rmse = variance.mean().sqrt(), square.mean().sqrt()
        gaps.append((rmv - rmse).abs() / rmv)
    return torch.stack(gaps).mean().item()


def rank_correlation(error: Tensor, scale: Tensor, *, most: int = 100_000, seed: int = 0) -> float:
    """Returns Spearman's rank correlation of |error| and scale; near 1 if the scale tells which errors are large.

    Ties are ranked in order of appearance, which matters only if many values are equal. Even a perfect scale stays
    below 1, since it predicts the spread of an error and not the error.

    Args:
        error: Errors, of any shape.
        scale: Predicted standard deviations, of the same shape.
        most: Largest number of elements to use, drawn at random.
        seed: Random seed of that draw.

    Raises:
        ShapeError: The shapes differ, or there are fewer than two elements.
    """
    check(error, scale, least=2, positive=False)
    chosen = torch.randperm(error.numel(), generator=torch.Generator().manual_seed(seed))[:most]
    ranks = [
        values.flatten()[chosen].argsort(stable=True).argsort().double() for values in (error.abs().cpu(), scale.cpu())
    ]
    return torch.corrcoef(torch.stack(ranks))[0, 1].item()


def ause(error: Tensor, scale: Tensor, steps: int = 100) -> float:
    """Returns the area under the sparsification error curve; 0 if the scale sorts elements as their errors do.

    For each share f, the elements with the largest scale are removed, and the root mean squared error of the rest is
    divided by that of all. The same is done in the order of |error| itself, the oracle. The result is the area between
    the two curves over f in [0, 1]. It is 0.5 for a scale without information and uniformly distributed |error|.

    Args:
        error: Errors, of any shape.
        scale: Predicted standard deviations, of the same shape, positive. Their unit does not matter.
        steps: Number of values of f, at the centres of intervals of equal length.

    Raises:
        ShapeError: The shapes differ, there are fewer elements than steps, or a scale is not positive.

    Source: Uncertainty Estimates and Multi-Hypotheses Networks for Optical Flow (Ilg et al., 2018), arXiv:1802.07095.
    """
    check(error, scale, least=steps)
    squares = error.flatten().double().square()
    n = len(squares)
    kept = torch.tensor([n - int(n * (step + 0.5) / steps) for step in range(steps)], device=squares.device)
    curves = []
    for order in (scale.flatten().argsort(stable=True), squares.argsort(stable=True)):
        sums = squares[order].cumsum(0)
        curves.append((sums[kept - 1] / kept).sqrt())
    whole = squares.mean().sqrt()
    return 0.0 if whole == 0 else ((curves[0] - curves[1]).mean() / whole).item()


def check(error: Tensor, scale: Tensor, least: int = 1, *, positive: bool = True) -> None:
    """Raises if an error and a scale do not go together.

    Raises:
        ShapeError: The shapes differ, there are fewer than ``least`` elements, or a scale must be ``positive`` and is
            not.
    """
    if error.shape != scale.shape:
        shapes = tuple(error.shape), tuple(scale.shape)
        raise ShapeError(f"Expected an error and a scale of one shape, got {shapes[0]} and {shapes[1]}.", value=shapes)
    if error.numel() < least:
        raise ShapeError(f"Expected at least {least} errors, got {error.numel()}.", value=error.numel())
    if positive and not bool((scale > 0).all()):
        smallest = scale.min().item()
        raise ShapeError(f"Expected positive standard deviations, got {smallest:g} as the smallest.", value=smallest)
