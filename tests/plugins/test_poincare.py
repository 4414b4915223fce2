"""The wrapped normal of the Poincaré ball: its geometry, its density by quadrature, its gradient."""

from __future__ import annotations

import math

import pytest
import torch
from vaezoo_poincare.ball import add, inside, length, log_volume, point, tangent
from vaezoo_poincare.posterior import WrappedNormal, wrapped_normal
from vaezoo_poincare.prior import WrappedNormalPrior

from vaezoo import create
from vaezoo.core import Context, DiagonalGaussian, Noise, kl
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_poincare"


class TestPoincare(ModelContract):
    model = "poincare-vae"


class TestGrid(ModelContract):
    model = "conv-beta"
    params = {
        "encoder": {"name": "conv", "belief": "wrapped-normal(curvature=0.5)"},
        "prior": {"name": "wrapped-normal", "curvature": 0.5},
        "loss": "elbo",
    }


def distance(x: torch.Tensor, y: torch.Tensor, c: float) -> torch.Tensor:
    """The other textbook form, by arcosh."""
    top = 2 * c * ((x - y) ** 2).sum(-1)
    return torch.acosh(1 + top / ((1 - c * (x**2).sum(-1)) * (1 - c * (y**2).sum(-1)))) / math.sqrt(c)


@pytest.mark.parametrize("c", [0.3, 1.0, 2.0])
def test_the_exponential_map_goes_as_far_as_its_vector_is_long(c: float) -> None:
    torch.manual_seed(0)
    v, u = torch.randn(2, 50, 3, dtype=torch.float64)
    origin = point(u, c)
    z = point(v, c, origin)
    torch.testing.assert_close(distance(origin, z, c), length(v)[..., 0])
    torch.testing.assert_close(tangent(z, c, origin), v)
    torch.testing.assert_close(add(-origin, add(origin, z, c), c), z)
    assert float((c * (inside(z * 1e3, c) ** 2).sum(-1)).max()) < 1


@pytest.mark.parametrize("c", [0.3, 1.0, 2.0])
def test_the_volume_is_the_determinant_of_the_exponential_map(c: float) -> None:
    v = torch.tensor([0.7, -1.1, 0.4], dtype=torch.float64)
    origin = torch.tensor([0.1, 0.2, -0.3], dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda each: point(each, c, origin), v)
    z = point(v, c, origin)
    conformal = 2 / (1 - c * float((z**2).sum()))  # Riemannian volume is conformal^D of Lebesgue's
    expected = torch.linalg.det(jacobian).abs().log() + 3 * math.log(conformal)
    torch.testing.assert_close(log_volume(v, c), expected)


@pytest.mark.parametrize("c", [0.5, 1.0])
def test_the_density_integrates_to_one_over_the_ball(c: float) -> None:
    radius = 1 / math.sqrt(c)
    axis = (torch.arange(600) + 0.5) / 600 * 2 * radius - radius
    points = torch.cartesian_prod(axis, axis)
    points = points[c * (points**2).sum(1) < 0.999]
    cell = (2 * radius / 600) ** 2 * (2 / (1 - c * (points**2).sum(1))) ** 2
    mean = torch.tensor([[0.3, -0.2]])
    q = WrappedNormal(mean, torch.log(torch.tensor([[0.3, 0.5]])), c)
    assert float((q.log_prob(points[:, None])[:, 0].exp() * cell).sum()) == pytest.approx(1, abs=0.01)
    log_p = WrappedNormalPrior(2, curvature=c, spread=0.6).log_prob(points[:, None], Context(1, (1, 1)))
    assert float((log_p[:, 0].exp() * cell).sum()) == pytest.approx(1, abs=0.01)


def test_a_draws_density_is_that_of_its_point() -> None:
    torch.manual_seed(0)
    q = wrapped_normal(torch.cat([torch.randn(3, 4), torch.randn(3, 4) - 1], 1), 0.7)
    z, log_q = q.sample(6, Noise(seed=0))
    torch.testing.assert_close(log_q, q.log_prob(z), atol=1e-3, rtol=1e-3)
    assert torch.equal(q.sample(1, Noise(temperature=0))[0][0], q.mean)
    prior = WrappedNormalPrior(4, curvature=0.7)
    latents = prior.infer(q, Context(3, (1, 1)), 6, Noise(seed=0))
    torch.testing.assert_close(latents.rate[0], (log_q - latents.log_p).mean(0), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(latents.state, tangent(z.double(), 0.7).float().flatten(0, 1))


def test_samples_of_the_prior_have_normal_logarithms() -> None:
    latents = WrappedNormalPrior(2, curvature=1.5, spread=0.8).sample(Context(4000, (1, 1)), 1, Noise(seed=0))
    torch.testing.assert_close(latents.state.std(0), torch.full((2,), 0.8), atol=0.03, rtol=0)


def test_far_and_flat_balls_stay_finite() -> None:
    raw = torch.full((1, 4), 50.0, requires_grad=True)
    z, log_q = wrapped_normal(raw, 1.0).sample(16, Noise(seed=0))
    rate = WrappedNormalPrior(2).infer(wrapped_normal(raw), Context(1, (1, 1)), 4, Noise(seed=0)).rate[0]
    (grad,) = torch.autograd.grad(log_q.sum() + z.sum() + rate.sum(), raw)
    assert log_q.isfinite().all() and grad.isfinite().all() and ((z**2).sum(2) < 1).all()
    zero = torch.zeros(1, 4, requires_grad=True)
    (grad,) = torch.autograd.grad(wrapped_normal(zero).sample(2, Noise(seed=0))[0].sum(), zero)
    assert grad.isfinite().all() and grad.any()


def test_as_the_curvature_goes_to_zero_it_is_a_gaussian() -> None:
    q = wrapped_normal(torch.tensor([[0.5, -0.4, -1.0, 0.2]]), 1e-6)
    latents = WrappedNormalPrior(2, curvature=1e-6).infer(q, Context(1, (1, 1)), 20000, Noise(seed=0))
    exact = kl(DiagonalGaussian(torch.tensor([[0.5, -0.4]]), q.logvar))
    assert float(latents.rate[0]) == pytest.approx(float(exact), abs=0.03)


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigError, match="curvature and spread above 0, got 0 and 1"):
        WrappedNormalPrior(2, curvature=0)
    with pytest.raises(IncompatibleParts, match=r"gives a wrapped-normal\(curvature=1.0\) belief, but the prior"):
        create("poincare-vae", prior={"curvature": 2.0})
