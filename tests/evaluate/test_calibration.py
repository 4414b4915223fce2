"""Calibration against errors whose distribution is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vaezoo.errors import ShapeError
from vaezoo.evaluate import ause, coverage, crps_gaussian, ence, rank_correlation


def honest(n: int = 200_000) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    scale = 0.01 + torch.rand(n, generator=generator)
    return scale * torch.randn(n, generator=generator), scale


def test_honest_errors_have_nominal_coverage_and_no_ence() -> None:
    error, scale = honest()
    shares = coverage(error, scale)
    assert shares == pytest.approx({68: 0.6827, 90: 0.9000, 95: 0.9500}, abs=0.004)
    assert ence(error, scale) < 0.02


def test_a_scale_twice_too_large_is_seen() -> None:
    error, scale = honest()
    assert coverage(error, 2 * scale)[68] == pytest.approx(0.9545, abs=0.004)
    assert ence(error, 2 * scale) == pytest.approx(0.5, abs=0.02)
    assert ence(error, scale / 2) == pytest.approx(1.0, abs=0.04)


def test_a_right_average_does_not_hide_wrong_bins() -> None:
    error, scale = honest()
    flipped = scale.max() + scale.min() - scale
    assert ence(error, flipped) > 0.5


def test_rank_correlation_is_one_for_the_error_itself_and_none_for_another() -> None:
    error, scale = honest()
    assert rank_correlation(error, error.abs()) == pytest.approx(1)
    assert rank_correlation(error, -error.abs()) == pytest.approx(-1)
    assert rank_correlation(error, scale.flip(0)) == pytest.approx(0, abs=0.02)
    assert 0.4 < rank_correlation(error, scale) < 0.6


def test_rank_correlation_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    error, scale = honest(500)
    assert rank_correlation(error, scale) == pytest.approx(stats.spearmanr(error.abs(), scale).statistic, abs=1e-6)


@pytest.mark.parametrize("measure", [coverage, ence, rank_correlation, ause, crps_gaussian])
def test_shapes_that_differ_are_refused(measure: Callable[..., Any]) -> None:
    with pytest.raises(ShapeError, match=r"one shape, got \(3,\) and \(4,\)"):
        measure(torch.zeros(3), torch.ones(4))


def test_too_few_errors_are_refused() -> None:
    with pytest.raises(ShapeError, match="at least 15 errors, got 3"):
        ence(torch.zeros(3), torch.ones(3))


@pytest.mark.parametrize("least", [0.0, -0.5, float("nan")])
@pytest.mark.parametrize("measure", [coverage, ence, ause, crps_gaussian])
def test_a_scale_that_is_not_positive_is_refused(measure: Callable[..., Any], least: float) -> None:
    scale = torch.ones(200)
    scale[7] = least
    with pytest.raises(ShapeError, match=r"Expected positive standard deviations, got .* as the smallest"):
        measure(torch.zeros(200), scale)


def test_the_oracle_s_order_leaves_no_sparsification_error() -> None:
    error, scale = honest(10_000)
    assert ause(error, error.abs() + 1e-9) == 0
    assert ause(error, 3 * error.abs() + 1) == 0
    assert 0 < ause(error, scale) < ause(error, scale.flip(0)) < ause(error, 1 / (error.abs() + 0.01))


def test_ause_of_an_order_that_says_nothing_has_a_closed_form() -> None:
    """|error| uniform: the oracle's curve is 1 − f, the other stays at 1, between them lies 1/2."""
    error = torch.linspace(0, 1, 100_000)[torch.randperm(100_000, generator=torch.Generator().manual_seed(0))]
    assert ause(error, torch.ones_like(error)) == pytest.approx(0.5, abs=0.005)
    assert ause(torch.zeros(100), torch.ones(100)) == 0
    with pytest.raises(ShapeError, match="at least 100 errors, got 3"):
        ause(torch.zeros(3), torch.ones(3))
