"""The von Mises-Fisher law against scipy's, its divergence, its draws and their gradient."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
import torch.nn.functional as F
from vaezoo_sphere.posterior import VonMisesFisher, log_area, von_mises_fisher
from vaezoo_sphere.prior import UniformSpherePrior
from vaezoo_sphere.quadrature import log_integral, mean_cosine

from vaezoo import create
from vaezoo.core import Batch, Context, Noise
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_sphere"


class TestSVAE(ModelContract):
    model = "svae"


class TestGrid(ModelContract):
    model = "conv-beta"
    params = {"encoder": {"name": "conv", "belief": "vmf"}, "prior": "sphere", "loss": "elbo"}


def law(kappa: float, dimensions: int) -> VonMisesFisher:
    torch.manual_seed(0)
    return VonMisesFisher(F.normalize(torch.randn(1, dimensions), dim=1), torch.full((1, 1), kappa))


CASES = [(0.01, 2), (5.0, 2), (0.5, 3), (40.0, 3), (3.0, 10), (300.0, 10), (1e4, 40)]


@pytest.mark.parametrize(("kappa", "dimensions"), CASES)
def test_the_normaliser_is_the_bessel_function_and_its_slope_their_ratio(kappa: float, dimensions: int) -> None:
    order = dimensions / 2 - 1
    bessel = np.log(scipy.special.ive(order, kappa)) - order * np.log(kappa / 2)
    expected = bessel + 0.5 * np.log(np.pi) + scipy.special.gammaln((dimensions - 1) / 2)
    at = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    value = log_integral(at, dimensions)
    assert float(value.detach()) == pytest.approx(expected, abs=1e-9)
    ratio = scipy.special.ive(order + 1, kappa) / scipy.special.ive(order, kappa)
    assert float(mean_cosine(at, dimensions).detach()) == pytest.approx(ratio, abs=1e-9)
    slope = 1 - ratio**2 - (dimensions - 1) / kappa * ratio
    (found,) = torch.autograd.grad(mean_cosine(at, dimensions), at)
    assert float(found) == pytest.approx(slope, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize(("kappa", "dimensions"), [(5.0, 2), (0.5, 3), (40.0, 3), (3.0, 10), (300.0, 10)])
def test_the_density_is_scipys_and_the_draws_are_its(kappa: float, dimensions: int) -> None:
    q = law(kappa, dimensions)
    theirs = scipy.stats.vonmises_fisher(F.normalize(q.mean.double(), dim=1)[0].numpy(), kappa)
    z, log_q = q.sample(5000, Noise(seed=0))
    points = F.normalize(z[:, 0].double(), dim=1).numpy()
    np.testing.assert_allclose(log_q[:, 0], theirs.logpdf(points), atol=2e-3, rtol=1e-4)
    torch.testing.assert_close(z.norm(dim=2), torch.ones(5000, 1), atol=1e-5, rtol=0)
    cosine = (z[:, 0] * q.mean[0]).sum(1).double()
    average = float(mean_cosine(q.kappa.double(), dimensions))
    assert float(cosine.mean()) == pytest.approx(average, abs=5 * float(cosine.std()) / 5000**0.5)
    torch.testing.assert_close(z[:, 0].mean(0), average * q.mean[0], atol=0.05, rtol=0)
    theirs_cosine = theirs.rvs(5000, random_state=0) @ q.mean[0].double().numpy()
    assert scipy.stats.ks_2samp(cosine.numpy(), theirs_cosine).pvalue > 1e-3
    uniform = UniformSpherePrior(dimensions).log_prob(z, Context(1, (1, 1)))
    gap = (log_q - uniform)[:, 0]
    assert float(q.rate()) == pytest.approx(float(gap.mean()), abs=5 * float(gap.std()) / 5000**0.5 + 1e-4)
    assert float(q.rate()) == pytest.approx(-theirs.entropy() + log_area(dimensions), abs=1e-4)


@pytest.mark.parametrize(("kappa", "dimensions"), [(2.0, 2), (2.0, 3), (6.0, 5), (50.0, 10)])
def test_the_gradient_of_an_expectation_is_unbiased(kappa: float, dimensions: int) -> None:
    """d/dκ E cos θ has a closed form, and E cos² θ a finite difference."""
    q = law(kappa, dimensions)
    leaf = q.kappa.double().requires_grad_()
    z, _ = VonMisesFisher(q.mean.double(), leaf).sample(8000, Noise(seed=0))
    cosine = (z[:, 0] * q.mean[0]).sum(1)
    average = mean_cosine(q.kappa.double(), dimensions)
    (found,) = torch.autograd.grad(cosine.mean(), leaf, retain_graph=True)
    closed = 1 - average**2 - (dimensions - 1) / kappa * average
    torch.testing.assert_close(found, closed, rtol=0.06, atol=0)
    (squared,) = torch.autograd.grad((cosine**2).mean(), leaf)

    def second(at: float) -> float:  # E cos² = 1 − (m−1)/κ · A(κ)
        return 1 - (dimensions - 1) / at * float(mean_cosine(torch.tensor(at, dtype=torch.float64), dimensions))

    assert float(squared) == pytest.approx((second(kappa + 1e-3) - second(kappa - 1e-3)) / 2e-3, rel=0.1)


def test_the_gradient_to_the_direction_is_right() -> None:
    """E z = A(κ) μ, so the slope of E z·v along the direction is A(κ) v, up to the radial part."""
    raw = torch.tensor([[0.6, -0.8, 0.3, 2.0]], requires_grad=True)
    v = torch.tensor([0.2, 1.0, -0.5])
    z, _ = von_mises_fisher(raw).sample(8000, Noise(seed=0))
    (found,) = torch.autograd.grad((z[:, 0] @ v).mean(), raw)
    q = von_mises_fisher(raw)
    exact = (mean_cosine(q.kappa.double(), 3) * (q.mean.double() @ v.double())[:, None]).sum()
    (expected,) = torch.autograd.grad(exact, raw)
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0.03)


def test_at_temperature_zero_a_draw_is_the_mean() -> None:
    q = law(5.0, 4)
    assert torch.equal(q.sample(2, Noise(temperature=0))[0][1], q.mean)


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 2 latent channels for points on a sphere, got 1"):
        create("svae", latent_channels=1)
    with pytest.raises(IncompatibleParts, match="gives a vmf belief, but the prior 'normal' takes"):
        create("svae", prior="normal")


def test_inference_mode_gives_what_no_grad_does() -> None:
    model, x = create("svae", seed=0).eval(), torch.rand(2, 1, 28, 28).round()
    with torch.inference_mode():
        found = model.reconstruct(x), model.nll(Batch(x), 4, noise=Noise(seed=0)), model.sample(2, noise=Noise(seed=0))
    expected = model.reconstruct(x), model.nll(Batch(x), 4, noise=Noise(seed=0)), model.sample(2, noise=Noise(seed=0))
    torch.testing.assert_close(found, expected)
