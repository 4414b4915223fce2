"""Fitting a mixture of Gaussians by expectation-maximisation.

The density and the samples of a mixture are in ``densities``.
"""

from __future__ import annotations

import math
from typing import NamedTuple, final

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from vaezoo.errors import ConfigError

CHUNK = 65536
"""Number of rows at once. It affects the sums by rounding only."""
SEEN, STARTS = 5000, 10
"""Number of rows for the initialisation, and runs of k-means of which the best is used."""


@final
class FittedMixture(NamedTuple):
    """A fitted mixture, all in float64.

    Attributes:
        weights: Weights (C,), with sum 1.
        means: Means (C, D).
        factors: Factor L of each covariance L·Lᵀ, (C, D, D), lower triangular; diagonal for a diagonal mixture.
        history: Mean log-likelihood per row after each step, in nats. It never falls but for rounding.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor
    history: tuple[float, ...]


def fit_mixture(
    rows: Tensor,
    components: int,
    *,
    full: bool = False,
    floor: float = 1e-6,
    ceiling: float = math.inf,
    steps: int = 200,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> FittedMixture:
    """Fits a mixture of Gaussians by maximum likelihood, initialised by k-means++.

    The variances (or eigenvalues of a full covariance) are kept in [floor, ceiling]. Each step finds the best
    covariance in that range, so the likelihood never falls, and does not diverge at a single row.

    Args:
        rows: Data (N, D), finite.
        components: Number C of components, at most N/2.
        full: Whether covariances are full; otherwise diagonal.
        floor: Smallest variance.
        ceiling: Largest variance.
        steps: Maximum number of steps.
        tolerance: Gain of the mean log-likelihood below which it stops, in nats per row.
        seed: Random seed of the initialisation.

    Raises:
        ConfigError: There are fewer than two rows per component, or a limit is impossible.

    Source: Maximum Likelihood from Incomplete Data via the EM Algorithm (Dempster et al., 1977); k-means++ (Arthur
    and Vassilvitskii, 2007).
    """
    if components < 1 or steps < 1 or not 0 < floor < ceiling:
        came = (components, steps, floor, ceiling)
        raise ConfigError(f"Expected components and steps >= 1 and 0 < floor < ceiling, got {came}.", value=came)
    if len(rows) < 2 * components:
        raise ConfigError(
            f"Expected at least 2 latents for each of the {components} components, got {len(rows)}.",
            hint="Give more images, or ask for fewer components.",
            value=len(rows),
        )
    rows = rows.detach().double()
    shift = rows.mean(0)  # moments about the mean keep their digits
    rows = rows - shift
    shares = _start(rows, components, seed)
    weights, means, factors = _maximise(*_moments(rows, shares, full), full, floor, ceiling)
    history: list[float] = []
    for _ in range(steps):
        total, sums = 0.0, [torch.zeros((), dtype=rows.dtype, device=rows.device)] * 3
        for part in rows.split(CHUNK):
            joint = _log_joint(part, weights, means, factors)
            evidence = torch.logsumexp(joint, 1)
            found = _moments(part, torch.exp(joint - evidence[:, None]), full)
            total += float(evidence.sum())
            sums = [a + b for a, b in zip(sums, found, strict=True)]
        history.append(total / len(rows))
        if len(history) > 1 and history[-1] - history[-2] < tolerance:
            break
        weights, means, factors = _maximise(sums[0], sums[1], sums[2], full, floor, ceiling)
    return FittedMixture(weights, means + shift, factors, tuple(history))


def _start(rows: Tensor, components: int, seed: int) -> Tensor:
    """Returns the nearest of C centres for each row, one-hot (N, C), from the best of several runs of k-means."""
    generator = torch.Generator().manual_seed(seed)
    seen = rows[torch.randperm(len(rows), generator=generator)[:SEEN].to(rows.device)]
    runs = [_centres(seen, components, generator) for _ in range(STARTS)]
    centres = min(runs, key=lambda found: float(torch.cdist(seen, found).min(1).values.square().sum()))
    return one_hot(torch.cdist(rows, centres).argmin(1), components).double()


def _centres(seen: Tensor, components: int, generator: torch.Generator) -> Tensor:
    """Returns C centres, (C, D): k-means++ and ten rounds of k-means."""
    centres = seen[torch.randint(len(seen), (1,), generator=generator).to(seen.device)]
    for _ in range(components - 1):
        nearest = torch.cdist(seen, centres).min(1).values.square().cpu()
        chances = nearest if float(nearest.sum()) > 0 else torch.ones_like(nearest)
        centres = torch.cat([centres, seen[torch.multinomial(chances, 1, generator=generator).to(seen.device)]])
    for _ in range(10):
        shares = one_hot(torch.cdist(seen, centres).argmin(1), components).double()
        held = shares.sum(0)[:, None]
        centres = torch.where(held > 0, shares.T @ seen / held.clamp_min(1), centres)
    return centres


def _moments(rows: Tensor, shares: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Returns Σ r, Σ r·z and Σ r·zzᵀ (or its diagonal) of each component."""
    squares = (
        torch.stack([(share[:, None] * rows).T @ rows for share in shares.T]) if full else shares.T @ rows.square()
    )
    return shares.sum(0), shares.T @ rows, squares


def _maximise(
    counts: Tensor, sums: Tensor, squares: Tensor, full: bool, floor: float, ceiling: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns weights, means and factors. A component without rows gets a negligible weight."""
    held = counts.clamp_min(1e-12)
    means = sums / held[:, None]
    weights = held / held.sum()
    if not full:
        variances = (squares / held[:, None] - means.square()).clamp(floor, ceiling)
        return weights, means, torch.diag_embed(variances.sqrt())
    spread = squares / held[:, None, None] - means[:, :, None] * means[:, None, :]
    values, vectors = torch.linalg.eigh(0.5 * (spread + spread.mT))
    held_in = vectors * values.clamp(floor, ceiling)[:, None, :] @ vectors.mT
    return weights, means, torch.linalg.cholesky(0.5 * (held_in + held_in.mT))


def _log_joint(rows: Tensor, weights: Tensor, means: Tensor, factors: Tensor) -> Tensor:
    """Returns log w_c N(z; μ_c, L_c L_cᵀ), (N, C)."""
    columns = []
    for weight, mean, factor in zip(weights, means, factors, strict=True):
        eps = torch.linalg.solve_triangular(factor, (rows - mean).T, upper=False)
        log_det = torch.log(factor.diagonal()).sum()
        columns.append(
            torch.log(weight) - log_det - 0.5 * (eps.square().sum(0) + rows.shape[1] * math.log(2 * math.pi))
        )
    return torch.stack(columns, 1)
