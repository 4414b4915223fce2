"""How honest a stated standard deviation is: how often the error stays within it, and whether it grows with it."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.errors import ShapeError

INTERVALS = {68: 1.0, 90: 1.645, 95: 1.96}
"""Nominal coverage of a normal error, percent, and the interval's half width in standard deviations."""


def coverage(error: Tensor, scale: Tensor) -> dict[int, float]:
    """Returns the share of errors within 1, 1.645 and 1.96 standard deviations, by nominal percentage.

    A calibrated model with normal errors has 0.683, 0.900 and 0.950.

    Args:
        error: Any shape.
        scale: Standard deviation stated for it, same shape and unit, positive.

    Raises:
        ShapeError: The shapes differ, or a scale is not positive.
    """
    check(error, scale)
    size = error.abs() / scale
    return {nominal: (size <= width).double().mean().item() for nominal, width in INTERVALS.items()}


def ence(error: Tensor, scale: Tensor, bins: int = 15) -> float:
    """Returns the expected normalised calibration error, 0 for a calibrated scale.

    The elements are sorted by scale and cut into bins of equal count; each bin's root mean variance (RMV) is
    compared with its root mean squared error: mean of |RMV − RMSE| / RMV.

    Args:
        error: Any shape.
        scale: Standard deviation stated for it, same shape and unit, positive.
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
    """Returns Spearman's rank correlation of |error| and scale: near 1 where the scale says which errors are large.

    Ties take their order of appearance, which matters only where many values are equal. Even a perfect scale
    stays below 1, since it states the spread of an error and not the error.

    Args:
        error: Any shape.
        scale: Same shape.
        most: At most so many elements are used, drawn at random.
        seed: Of the draw.

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
    """Returns the area under the sparsification error curve: 0 where the scale sorts elements as their errors do.

    The share f of the elements with the largest scale is taken away, and the root mean squared error of the rest
    is divided by that of all; the same is done in the order of |error| itself, the oracle. The area between the two
    curves over f in [0, 1] is 0.5 for a scale that says nothing of uniformly distributed |error|.

    Args:
        error: Any shape.
        scale: Standard deviation stated for it, same shape, positive; its unit does not matter.
        steps: Values of f, in the middle of intervals of equal length.

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
    """Refuses an error and a scale that do not belong together.

    Raises:
        ShapeError: The shapes differ, there are fewer than ``least`` elements, or a scale is not ``positive``.
    """
    if error.shape != scale.shape:
        shapes = tuple(error.shape), tuple(scale.shape)
        raise ShapeError(f"Expected an error and a scale of one shape, got {shapes[0]} and {shapes[1]}.", value=shapes)
    if error.numel() < least:
        raise ShapeError(f"Expected at least {least} errors, got {error.numel()}.", value=error.numel())
    if positive and not bool((scale > 0).all()):
        smallest = scale.min().item()
        raise ShapeError(f"Expected a positive standard deviation, the least is {smallest:g}.", value=smallest)
