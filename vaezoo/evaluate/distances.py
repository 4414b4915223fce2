"""Distances between two sets of pictures, by their features. They mean nothing without the name of what gave those."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.errors import ShapeError


def frechet_distance(features: Tensor, other: Tensor) -> float:
    """Returns |m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁ C₂)^½), the squared Fréchet distance of the Gaussians that fit two sets.

    Too large for few images; compare values of one count only.

    Args:
        features: (N, D).
        other: (M, D).

    Raises:
        ShapeError: They are no two sets of two features or more of one length.

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
    """Returns the squared MMD of two sets under the kernel (x·y/D + 1)³, without bias: 0 on average for equal ones.

    Args:
        features: (N, D).
        other: (M, D).
        max_mib: The tables of all pairs are cut into pieces of so many MiB.

    Raises:
        ShapeError: They are no two sets of two features or more of one length.

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
