"""Calibrations fitted to errors whose distribution is known, and what they promise of new pictures."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
import torch
from torch import Tensor

from vaezoo.errors import ConfigError, ShapeError
from vaezoo.restore import fit_calibration
from vaezoo.restore.calibrate import calibration_of, conformal_quantile, hoeffding_bentkus, risk_controlling


def pictures(n: int, side: int = 40) -> list[Tensor]:
    return [torch.full((1, 1, side, side), 0.5) for _ in range(n)]


def unchanged(y: Tensor) -> tuple[Tensor, Tensor]:
    """Leaves the noise as it is and states half of the noise of level 25: errors are N(0, 1) in twice that."""
    return y, torch.full_like(y, 25 / 255 / 2)


def test_normal_errors_have_normal_quantiles() -> None:
    found = fit_calibration(unchanged, pictures(40), [25])
    assert found.factor == pytest.approx(2, rel=0.01)
    normal = {level: 2 * NormalDist().inv_cdf(0.5 + level / 200) for level in (68, 90, 95)}
    assert {int(key): value for key, value in found.quantiles.items()} == pytest.approx(normal, rel=0.01)
    assert normal[90] < found.image_factor < 1.08 * normal[90]
    assert found.risk_factor > found.image_factor
    assert (found.sigmas, found.images, found.seed) == ((25.0,), 40, 0)


def test_what_is_promised_of_pictures_takes_the_worst_level() -> None:
    one, both = (fit_calibration(unchanged, pictures(40), sigmas) for sigmas in ([25], [12.5, 25]))
    assert both.image_factor == one.image_factor and both.risk_factor == one.risk_factor
    assert both.quantiles["90"] < one.quantiles["90"] and both.factor < one.factor


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    first, again, other = (fit_calibration(unchanged, pictures(22), [25], seed) for seed in (3, 3, 4))
    assert first == again != other


def test_a_large_picture_is_sampled() -> None:
    found = fit_calibration(unchanged, [pictures(1, side=400)[0]] * 22, [25])
    assert found.quantiles["90"] == pytest.approx(2 * 1.645, rel=0.01)


def test_the_promises_hold_on_new_pictures_that_differ() -> None:
    """Pictures whose error is off by a factor of their own: over many calibrations, both promises hold as they say."""
    generator = torch.Generator().manual_seed(0)

    def draw(n: int) -> list[list[Tensor]]:
        own = torch.exp(0.3 * torch.randn(n, generator=generator))
        return [[(factor * torch.randn(400, generator=generator)).abs().sort().values] for factor in own]

    covered, broken, trials = [], 0, 60
    for _ in range(trials):
        found, new = calibration_of(draw(30), [25]), draw(200)
        inside = torch.tensor([(ratio[0] <= found.image_factor).double().mean() for ratio in new])
        covered.append((inside >= 0.9).double().mean().item())
        outside = torch.tensor([(ratio[0] > found.risk_factor).double().mean() for ratio in new])
        broken += outside.mean().item() > 0.1
    assert sum(covered) / trials > 0.89
    assert broken / trials <= 0.1


def test_the_conformal_rank_is_that_of_n_plus_1() -> None:
    values = torch.arange(1.0, 51)
    assert conformal_quantile(values, 0.9) == 46  # ⌈51 · 0.9⌉
    assert conformal_quantile(values[:9], 0.9) == 9
    assert conformal_quantile(torch.arange(1.0, 50), 0.9) == 45  # 50 · 0.9 is 45, not a little more
    with pytest.raises(ConfigError, match=r"enough values for a share of 0\.9, got 8"):
        conformal_quantile(values[:8], 0.9)


def test_the_bound_agrees_with_its_parts() -> None:
    assert hoeffding_bentkus(0.0, 22, 0.1) == pytest.approx(0.9**22)
    assert hoeffding_bentkus(0.1, 1000, 0.1) == 1
    stats = pytest.importorskip("scipy.stats")
    for mean, n in ((0.05, 100), (0.08, 1000), (0.02, 41)):
        divergence = mean * math.log(mean / 0.1) + (1 - mean) * math.log((1 - mean) / 0.9)
        parts = math.exp(-n * divergence), math.e * stats.binom.cdf(math.ceil(n * mean), n, 0.1)
        assert hoeffding_bentkus(mean, n, 0.1) == pytest.approx(min(1, *parts))


def test_the_risk_controlling_width_is_the_smallest() -> None:
    ratios = [[torch.linspace(0, 1, 1001)] for _ in range(100)]
    width = risk_controlling(ratios, 0.1, 0.1)
    assert hoeffding_bentkus(1 - width, 100, 0.1) <= 0.1 < hoeffding_bentkus(1 - width + 0.002, 100, 0.1)


def test_too_little_to_fit_to_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 22 pictures to calibrate on, got 0"):
        fit_calibration(unchanged, [], [25])
    with pytest.raises(ConfigError, match="at least 22 pictures to calibrate on, got 21"):
        fit_calibration(unchanged, pictures(21), [25])
    with pytest.raises(ConfigError, match="at least one noise level, got none"):
        fit_calibration(unchanged, pictures(22), [])


@pytest.mark.parametrize("least", [0.0, -1.0])
def test_a_scale_that_is_not_positive_is_refused(least: float) -> None:
    with pytest.raises(ShapeError, match=f"positive standard deviations, got {least:g} as the smallest"):
        fit_calibration(lambda y: (y, torch.full_like(y, least)), pictures(22), [25])


def test_a_model_without_a_scale_is_refused() -> None:
    with pytest.raises(ConfigError, match="this one predicts none"):
        fit_calibration(lambda y: (y, None), pictures(22), [25])


def test_another_damage_brings_its_own_truth() -> None:
    def darker(x: Tensor, level: float, seed: int) -> tuple[Tensor, Tensor]:
        return x / 2 + level * torch.ones_like(x), x / 2

    found = fit_calibration(lambda y: (y, torch.full_like(y, 0.01)), pictures(22), [0.02], damage=darker)
    assert found.factor == pytest.approx(2, rel=1e-4)
