"""Disentanglement scores: whether single latents represent single factors. Larger is better, and 1 is best.

Functions take codes (N, D) and the index of each factor's value (N, F). Constant latents carry no information and are
left out. Scores with mutual information put each latent into 20 bins of equal width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.evaluate.probe import standardise, train_probe

BINS = 20
VOTES, PER_VOTE = 2000, 64


def mig(codes: Tensor, factors: Tensor) -> float:
    """Returns the mutual information gap, the mean over factors.

    It is the gap between the two most informative latents of a factor, relative to the factor's entropy.

    Source: Isolating Sources of Disentanglement (Chen et al., 2018), eq. 6, arXiv:1802.04942.
    """
    codes, factors = _prepare(codes, factors)
    table = mutual_information(codes, factors)
    best = torch.cat([table, table.new_zeros(1, table.shape[1])]).topk(2, 0).values
    return ((best[0] - best[1]) / _entropies(factors)).mean().item()


def sap(codes: Tensor, factors: Tensor) -> float:
    """Returns the gap between the squared correlations of a factor's two best latents, the mean over factors.

    A factor's values are used as numbers, even if they have no order.

    Source: Variational Inference of Disentangled Latent Concepts (Kumar et al., 2017), section 3, arXiv:1711.00848.
    """
    codes, factors = _prepare(codes, factors)
    table = (standardise(codes).T @ standardise(factors.double()) / len(codes)).square()
    best = torch.cat([table, table.new_zeros(1, table.shape[1])]).topk(2, 0).values
    return (best[0] - best[1]).mean().item()


def modularity(codes: Tensor, factors: Tensor) -> float:
    """Returns modularity: whether a latent informs of one factor only. 1 − Σ I²/((F−1)·I_max²) over the other factors.

    Source: Learning Deep Disentangled Embeddings with the F-Statistic Loss (Ridgeway and Mozer, 2018), section 2,
    arXiv:1802.05312.
    """
    codes, factors = _prepare(codes, factors)
    squares = mutual_information(codes, factors).square()
    largest = squares.max(1).values
    rest = (squares.sum(1) - largest) / (largest.clamp_min(1e-30) * (factors.shape[1] - 1))
    return (1 - rest).mean().item()


def dci(codes: Tensor, factors: Tensor, *, penalty: float = 0.01, seed: int = 0) -> dict[str, float]:
    """Measures disentanglement, completeness and informativeness by lasso regressions from latents to each factor.

    The importance of a latent is the size of its weight, with all variables standardised. Only linear relations count.

    Args:
        codes: Codes (N, D).
        factors: Index of each factor's value, (N, F).
        penalty: Weight of Σ|w|, added to half the mean squared error.
        seed: Random seed of the split into a half to fit on and a half to test on.

    Returns:
        ``disentanglement``, ``completeness``, and ``informativeness``: the share of variance predicted on the test
        half, the mean over factors, at least 0.

    Source: A Framework for the Quantitative Evaluation of Disentangled Representations (Eastwood and Williams, 2018).
    """
    codes, factors = _prepare(codes, factors)
    x, y = standardise(codes), standardise(factors.double())
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    fit, test = order[: len(x) // 2], order[len(x) // 2 :]
    weight = _lasso(x[fit], y[fit], penalty)
    size = weight.abs()
    left = (y[test] - x[test] @ weight).square().mean(0) / y[test].var(0, correction=0)
    total = size.sum().clamp_min(1e-30)
    each_latent, each_factor = _purity(size.T), _purity(size)
    return {
        "disentanglement": (each_latent * size.sum(1) / total).sum().item(),
        "completeness": (each_factor * size.sum(0) / total).sum().item(),
        "informativeness": (1 - left).clamp_min(0).mean().item(),
    }


def factorvae_score(codes: Tensor, factors: Tensor, *, seed: int = 0) -> float:
    """Returns how often the latent with the smallest variance tells which factor was fixed. Chance is 1/F.

    There are 2000 votes of 64 images. The first half assigns a factor to each latent; the second half is scored.

    Source: Disentangling by Factorising (Kim and Mnih, 2018), section 4, arXiv:1802.05983.
    """
    codes, factors = _prepare(codes, factors)
    codes = standardise(codes)
    generator = torch.Generator().manual_seed(seed)
    table = torch.zeros(2, codes.shape[1], factors.shape[1])
    for vote in range(VOTES):
        factor = vote % factors.shape[1]
        rows = _held(factors[:, factor], PER_VOTE, generator)
        table[2 * vote // VOTES, codes[rows].var(0).argmin(), factor] += 1
    stands_for = table[0].argmax(1)
    return (table[1].gather(1, stands_for[:, None]).sum() / table[1].sum()).item()


def beta_vae_score(codes: Tensor, factors: Tensor, *, seed: int = 0) -> float:
    """Returns how often a linear classifier tells which factor pairs of images share. Chance is 1/F.

    There are 2000 points, each the mean |difference| of 64 pairs with a common factor. Half fit, half are scored.

    Source: beta-VAE (Higgins et al., 2017), section 3.
    """
    codes, factors = _prepare(codes, factors)
    codes = standardise(codes)
    generator = torch.Generator().manual_seed(seed)
    points, held = [], torch.arange(VOTES) % factors.shape[1]
    for factor in held.tolist():
        values = factors[:, factor]
        first = torch.randint(len(codes), (PER_VOTE,), generator=generator)
        points.append((codes[first] - codes[_partners(values, first, generator)]).abs().mean(0))
    return train_probe(torch.stack(points), held, seed=seed)


def mutual_information(codes: Tensor, factors: Tensor) -> Tensor:
    """Returns the mutual information of each latent, in 20 bins, and each factor, (D, F) nats."""
    low, high = codes.min(0).values, codes.max(0).values
    bins = ((codes - low) / (high - low) * BINS).long().clamp(0, BINS - 1)
    table = torch.empty(codes.shape[1], factors.shape[1], dtype=torch.float64)
    for factor in range(factors.shape[1]):
        count = int(factors[:, factor].max()) + 1
        for latent in range(codes.shape[1]):
            pairs = torch.bincount(bins[:, latent] * count + factors[:, factor], minlength=BINS * count)
            joint = pairs.view(BINS, count).double() / len(codes)
            apart = joint.sum(1, keepdim=True) * joint.sum(0)
            table[latent, factor] = torch.xlogy(joint, joint / apart.clamp_min(1e-30)).sum()
    return table


def _prepare(codes: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the latents that vary, in float64, and the factors, with values that count from 0.

    Raises:
        ConfigError: The numbers of rows differ, no latent varies, or fewer than two factors do.
    """
    if len(codes) != len(factors) or factors.ndim != 2:
        came = tuple(codes.shape), tuple(factors.shape)
        raise ConfigError(f"Expected codes (N, D) and factors (N, F), got {came[0]} and {came[1]}.", value=came)
    codes = codes.double()
    variance = codes.var(0)
    moving = [column.unique(return_inverse=True)[1] for column in factors.T if len(column.unique()) > 1]
    if len(moving) < 2 or not variance.max() > 0:
        came_ = f"{len(moving)} factors, a largest variance of {variance.max():g}"
        message = f"Expected at least two factors and one latent that vary, got {came_}."
        raise ConfigError(message, hint="Use more images, from all parts of the set.", value=came_)
    return codes[:, variance > 1e-6 * variance.max()], torch.stack(moving, 1)


def _entropies(factors: Tensor) -> Tensor:
    shares = [torch.bincount(column).double() / len(column) for column in factors.T]
    return torch.stack([-torch.xlogy(share, share).sum() for share in shares])


def _held(values: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Returns random rows that share one value, that of a random row."""
    first = torch.randint(len(values), (1,), generator=generator)
    rows = (values == values[first]).nonzero()[:, 0]
    return rows[torch.randint(len(rows), (count,), generator=generator)]


def _partners(values: Tensor, first: Tensor, generator: torch.Generator) -> Tensor:
    """Returns another random row of the same value for each row."""
    order = values.argsort(stable=True)
    counts = torch.bincount(values)
    start, count = (counts.cumsum(0) - counts)[values[first]], counts[values[first]]
    return order[start + (torch.rand(len(first), generator=generator) * count).long()]


def _purity(shares: Tensor) -> Tensor:
    """Returns 1 − entropy / largest entropy of each column; 0 for a column of zeros."""
    total = shares.sum(0)
    p = shares / total.clamp_min(1e-30)
    if len(shares) < 2:
        return (total > 0).double()
    entropy = -torch.xlogy(p, p).sum(0) / torch.log(torch.tensor(float(len(shares)), dtype=torch.float64))
    return torch.where(total > 0, 1 - entropy, 0.0)


def _lasso(x: Tensor, y: Tensor, penalty: float, sweeps: int = 200) -> Tensor:
    """Returns W (D, F) that minimises ½ mean |y − x W|² + penalty · Σ|W|, by coordinate descent."""
    gram, target = x.T @ x / len(x), x.T @ y / len(x)
    weight = torch.zeros_like(target)
    for _ in range(sweeps):
        before = weight.clone()
        for latent in range(len(gram)):
            rest = target[latent] - gram[latent] @ weight + gram[latent, latent] * weight[latent]
            weight[latent] = torch.sign(rest) * (rest.abs() - penalty).clamp_min(0) / gram[latent, latent]
        if (weight - before).abs().max() < 1e-8:
            break
    return weight
