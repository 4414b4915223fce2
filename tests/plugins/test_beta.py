"""The contract of the β plugin, and what its losses are made of."""

import pytest
import torch

from vaezoo import create_objective
from vaezoo.core import Batch, Terms
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_beta"


class TestBeta(ModelContract):
    model = "mlp-vae"
    params = {"loss": {"name": "beta", "beta": 4.0}}


class TestCapacity(ModelContract):
    model = "mlp-vae"
    params = {"loss": {"name": "capacity", "gamma": 1.0}}


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
