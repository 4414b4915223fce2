"""Scores of stated distributions against closed forms, quadrature and samples whose distribution is known."""

from __future__ import annotations

import math

import pytest
import torch

from vaezoo.errors import ShapeError
from vaezoo.evaluate import crps_gaussian, crps_samples, rank_histogram

AT_CENTRE = (math.sqrt(2) - 1) / math.sqrt(math.pi)
"""The score of N(0, 1) for a value of 0."""


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_score_of_a_standard_normal_at_its_centre() -> None:
    assert crps_gaussian(torch.zeros(1), torch.ones(1)) == pytest.approx(AT_CENTRE, rel=1e-6)
    assert crps_gaussian(torch.zeros(1), torch.full((1,), 5.0)) == pytest.approx(5 * AT_CENTRE, rel=1e-6)
    assert crps_gaussian(torch.full((1,), -3.0), torch.full((1,), 1e-6)) == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize(("value", "sigma"), [(0.3, 1.0), (-1.7, 0.4), (2.0, 3.0)])
def test_it_is_the_integral_that_defines_it(value: float, sigma: float) -> None:
    t = torch.linspace(-40, 40, 800_001, dtype=torch.float64)
    step = (t >= value).double()
    integral = torch.trapezoid((torch.distributions.Normal(0.0, sigma).cdf(t) - step).square(), t)
    found = crps_gaussian(torch.tensor([value], dtype=torch.float64), torch.tensor([sigma]))
    assert found == pytest.approx(integral.item(), abs=2e-4)


def test_it_is_least_for_the_right_width_on_average() -> None:
    error = normal(200_000)
    scores = [crps_gaussian(error, torch.full_like(error, sigma)) for sigma in (0.7, 1.0, 1.4)]
    assert min(scores) == scores[1] == pytest.approx(1 / math.sqrt(math.pi), abs=0.005)


def test_fair_samples_score_as_their_distribution_and_the_others_more() -> None:
    x, samples = torch.zeros(100_000, dtype=torch.float64), normal(4, 100_000)
    assert crps_samples(x, samples) == pytest.approx(AT_CENTRE, abs=0.004)
    # the ensemble's own: half the mean distance, 1/√π, is taken short by 1/K
    excess = 1 / (4 * math.sqrt(math.pi))
    assert crps_samples(x, samples, fair=False) == pytest.approx(AT_CENTRE + excess, abs=0.004)


def test_samples_by_hand() -> None:
    x, samples = torch.tensor([1.0]), torch.tensor([[4.0], [0.0], [2.0]])
    pairs = 2 * (4 + 2 + 2)
    assert crps_samples(x, samples) == pytest.approx(5 / 3 - pairs / (2 * 6))
    assert crps_samples(x, samples, fair=False) == pytest.approx(5 / 3 - pairs / (2 * 9))
    assert crps_samples(x, samples[:1], fair=False) == 3


def test_ranks_of_a_value_like_its_samples_are_flat() -> None:
    ranks = rank_histogram(normal(300, 200, seed=1), normal(9, 300, 200))
    assert ranks.shares.shape == (10,) and ranks.shares.sum() == pytest.approx(1)
    assert ranks.shares.sub(0.1).abs().max() < 0.006 and ranks.deviation < 0.03


def test_ranks_show_what_is_wrong() -> None:
    x, samples = normal(60_000, seed=1), normal(9, 60_000)
    hollow, hump, slope = (rank_histogram(x, s).shares for s in (samples / 2, 2 * samples, samples - 1))
    assert hollow[0] > 0.2 and hollow[9] > 0.2 and hollow[4] < 0.08
    assert hump[0] < 0.06 and hump[4] > 0.12
    assert slope[9] > 0.3 and slope[0] < 0.05
    all_below = rank_histogram(torch.full((50,), 9.0), torch.zeros(4, 50))
    assert all_below.shares[4] == 1 and all_below.deviation == pytest.approx(2 * 4 / 5)


def test_ties_fall_at_random_by_the_seed() -> None:
    x, samples = torch.zeros(50_000), torch.zeros(3, 50_000)
    ranks = rank_histogram(x, samples)
    assert ranks.shares.sub(0.25).abs().max() < 0.01
    assert torch.equal(ranks.shares, rank_histogram(x, samples, seed=0).shares)
    assert not torch.equal(ranks.shares, rank_histogram(x, samples, seed=1).shares)


def test_samples_that_do_not_fit_are_refused() -> None:
    for x, samples in ((torch.zeros(3), torch.zeros(3)), (torch.zeros(3), torch.zeros(2, 4)), (torch.zeros(0),) * 2):
        for measure in (crps_samples, rank_histogram):
            with pytest.raises(ShapeError, match=r"Expected samples \(K, ...\) for a non-empty x"):
                measure(x, samples)
    with pytest.raises(ShapeError, match="at least 2 samples, got 1"):
        crps_samples(torch.zeros(3), torch.zeros(1, 3))
    with pytest.raises(ShapeError, match="at least 1 samples, got 0"):
        rank_histogram(torch.zeros(3), torch.zeros(0, 3))
