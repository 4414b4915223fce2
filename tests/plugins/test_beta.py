"""The contract of the β plugin, and what its losses are made of."""

import pytest
import torch

from tests.plugins.pictures import descends
from vaezoo import create_objective
from vaezoo.core import Batch, Terms
from vaezoo.errors import ConfigError
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_beta"


class TestBeta(ModelContract):
    model = "mlp-vae"
    params = {"loss": {"name": "beta", "beta": 4.0}}


class TestCapacity(ModelContract):
    model = "mlp-vae"
    params = {"loss": {"name": "capacity", "gamma": 1.0}}


class TestCyclical(ModelContract):
    model = "cyclical-vae"


class TestDisentangled(ModelContract):
    model = "disentangled-beta-vae"
    params = {"loss": {"gamma": 1.0}}


class TestLinear(ModelContract):
    model = "mlp-vae"
    params = {"loss": {"name": "linear", "first": 0.1}}


def terms(loss: dict[str, object], step: int = 0) -> Terms:
    objective = create_objective("mlp-vae", seed=0, latent_channels=8, loss=loss)
    torch.manual_seed(0)
    return objective(Batch(torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))), step)


def test_beta_weighs_the_rate() -> None:
    got = terms({"name": "beta", "beta": 3.0})
    expected = got.reports["distortion"] + 3 * got.reports["rate"]
    torch.testing.assert_close(got.loss.detach(), expected)


def test_normalised_beta_is_scaled_by_pixels_over_latents() -> None:
    got = terms({"name": "beta", "beta": 0.01, "normalised": True})
    assert float(got.reports["beta"]) == pytest.approx(0.01 * 28 * 28 / 8)


@pytest.mark.parametrize(("step", "capacity"), [(0, 0.0), (50, 10.0), (1000, 20.0)])
def test_capacity_rises_to_its_value(step: int, capacity: float) -> None:
    got = terms({"name": "capacity", "gamma": 7.0, "capacity": 20.0, "warmup": 100}, step)
    assert float(got.reports["capacity"]) == pytest.approx(capacity)
    expected = got.reports["distortion"] + 7 * (got.reports["rate"] - capacity).abs()
    torch.testing.assert_close(got.loss.detach(), expected)


@pytest.mark.parametrize(
    ("step", "beta"), [(0, 0.0), (20, 1.0), (40, 2.0), (79, 2.0), (99, 2.0), (100, 0.0), (320, 1.0)]
)
def test_a_cyclical_beta_begins_anew(step: int, beta: float) -> None:
    got = terms({"name": "cyclical", "beta": 2.0, "cycle": 100, "rise": 0.4}, step)
    assert float(got.reports["beta"]) == pytest.approx(beta)
    torch.testing.assert_close(got.loss.detach(), got.reports["distortion"] + beta * got.reports["rate"])


def test_a_cycle_without_a_rise_is_a_plain_beta() -> None:
    assert float(terms({"name": "cyclical", "beta": 2.0, "rise": 0.0}).reports["beta"]) == 2


@pytest.mark.parametrize(("step", "beta"), [(0, 4.0), (10, 4.0), (15, 3.0), (20, 2.0), (30, 0.0), (99, 0.0)])
def test_a_linear_beta_goes_from_one_value_to_another(step: int, beta: float) -> None:
    got = terms({"name": "linear", "first": 4.0, "last": 0.0, "begin": 10, "end": 30}, step)
    assert float(got.reports["beta"]) == pytest.approx(beta)
    torch.testing.assert_close(got.loss.detach(), got.reports["distortion"] + beta * got.reports["rate"])


def test_schedules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="rise as a share of a cycle, at most 1, got 2"):
        terms({"name": "cyclical", "rise": 2.0})
    with pytest.raises(ConfigError, match="end after begin, at least 6, got 5"):
        terms({"name": "linear", "begin": 5, "end": 5})


@pytest.mark.parametrize("name", ["cyclical-vae", "disentangled-beta-vae"])
def test_fifty_steps_lower_the_loss(name: str) -> None:
    descends(name)
