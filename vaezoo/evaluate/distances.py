"""Distances between two sets of images, by their features. Values depend on the network that gives the features."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.errors import ShapeError


def frechet_distance(features: Tensor, other: Tensor) -> float:
    """Returns the squared Fréchet distance of the Gaussians fitted to two sets: |m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁ C₂)^½).

    It is biased upwards for few images, so compare values of the same count only.

    Args:
        features: Features (N, D).
        other: Features (M, D).

    Raises:
        ShapeError: The features are not two matrices of equal width with at least two rows.

    Source: GANs Trained by a Two Time-Scale Update Rule (Heusel et al., 2017), eq. 6, arXiv:1706.08500.
    """
    _check(features, other)
    first, second = features.double(), other.double()
    root = _root(torch.atleast_2d(first.T.cov()))
    covariance = torch.atleast_2d(second.T.cov())
    # tr (C₁C₂)^½ = tr (C₁^½ C₂ C₁^½)^½, and the latter is symmetric.
    cross = torch.linalg.eigvalsh(root @ covariance @ root).clamp_min(0).sqrt().sum()
    apart = (first.mean(0) - second.mean(0)).square().sum()
    return (apart + root.square().sum() + covariance.trace() - 2 * cross).item()


def kernel_distance(features: Tensor, other: Tensor, *, max_mib: float = 512) -> float:
    """Returns an unbiased estimate of the squared MMD of two sets under the kernel (x·y/D + 1)³. It may be negative.

    Args:
        features: Features (N, D).
        other: Features (M, D).
        max_mib: Size in MiB of the pieces that the table of all pairs is computed in.

    Raises:
        ShapeError: The features are not two matrices of equal width with at least two rows.

    Source: Demystifying MMD GANs (Bińkowski et al., 2018), eq. 3, arXiv:1801.01401.
    """
    _check(features, other)
    first, second = features.double(), other.double()

    def total(a: Tensor, b: Tensor) -> Tensor:
        rows = max(1, int(max_mib * 2**20 / (3 * 8 * len(b))))
        parts = [((part @ b.T / a.shape[1] + 1) ** 3).sum() for part in a.split(rows)]
        return torch.stack(parts).sum()

    def within(a: Tensor) -> Tensor:
        own = ((a.square().sum(1) / a.shape[1] + 1) ** 3).sum()
        return (total(a, a) - own) / (len(a) * (len(a) - 1))

    return (within(first) + within(second) - 2 * total(first, second) / (len(first) * len(second))).item()


def _root(symmetric: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(symmetric)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


def _check(features: Tensor, other: Tensor) -> None:
    shapes = tuple(features.shape), tuple(other.shape)
    if any(len(shape) != 2 or shape[0] < 2 for shape in shapes) or shapes[0][1] != shapes[1][1]:
        raise ShapeError(f"Expected features (N, D) and (M, D) of two rows or more, got {shapes}.", value=shapes)
