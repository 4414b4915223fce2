"""Linear probe: how well a linear classifier predicts labels from codes."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.errors import ConfigError


def standardise(values: Tensor) -> Tensor:
    """Standardises columns to mean 0 and variance 1. A constant column becomes 0."""
    centred = values - values.mean(0)
    return centred / centred.square().mean(0).sqrt().clamp_min(1e-12)


def train_probe(codes: Tensor, labels: Tensor, *, penalty: float = 1e-4, seed: int = 0) -> float:
    """Fits a multinomial logistic regression to half of the rows. Returns its accuracy on the other half.

    Args:
        codes: Codes (N, D). They are standardised here.
        labels: Labels, int64 (N,).
        penalty: Weight of Σ w², added to the mean cross-entropy.
        seed: Random seed of the split.

    Raises:
        ConfigError: There are fewer than four rows, or only one class.
    """
    classes = labels.unique()
    if len(labels) < 4 or len(classes) < 2:
        came = f"{len(labels)} rows of {len(classes)} classes"
        raise ConfigError(f"Expected four rows or more, of two classes or more, got {came}.", value=came)
    x, y = standardise(codes.double()), torch.searchsorted(classes, labels.contiguous())
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    fit, test = order[: len(x) // 2], order[len(x) // 2 :]
    weight = torch.zeros(x.shape[1] + 1, len(classes), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(x[fit] @ weight[:-1] + weight[-1], y[fit])
        loss = loss + penalty * weight[:-1].square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)  # type: ignore[arg-type]
    with torch.no_grad():
        return ((x[test] @ weight[:-1] + weight[-1]).argmax(1) == y[test]).double().mean().item()
