"""KL and densities against torch.distributions, closed forms and Monte Carlo."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from vaezoo.core import DiagonalGaussian, Dirac, Noise, kl
from vaezoo.core.beliefs.posterior import LOGVAR_MAX, LOGVAR_MIN, bound_logvar


def gaussian(shape: tuple[int, ...], seed: int) -> DiagonalGaussian:
    generator = torch.Generator().manual_seed(seed)
    return DiagonalGaussian(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))


def reference(q: DiagonalGaussian) -> Independent:
    return Independent(Normal(q.mean, torch.exp(0.5 * q.logvar)), q.mean.dim() - 1)


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 3, 2)])
def test_kl_is_that_of_torch(shape: tuple[int, ...]) -> None:
    q, p = gaussian(shape, 0), gaussian(shape, 1)
    unit = DiagonalGaussian(torch.zeros(shape), torch.zeros(shape))
    torch.testing.assert_close(kl(q, p), kl_divergence(reference(q), reference(p)))
    torch.testing.assert_close(kl(q), kl_divergence(reference(q), reference(unit)))


def test_kl_by_hand() -> None:
    q = DiagonalGaussian(torch.tensor([[1.0]]), torch.tensor([[math.log(4.0)]]))
    assert float(kl(q)) == pytest.approx(0.5 * (1 + 4 - 1 - math.log(4.0)))


def test_kl_is_the_mean_of_the_log_ratio() -> None:
    q, p = gaussian((2, 3), 0), gaussian((2, 3), 1)
    z, log_q = q.sample(20_000, Noise(seed=0))
    terms = log_q - p.log_prob(z)
    assert ((terms.mean(0) - kl(q, p)).abs() < 5 * terms.std(0) / 20_000**0.5).all()


def test_kl_never_rounds_below_zero() -> None:
    logvar = torch.linspace(-0.02, 0.02, 100_001)[:, None]
    q, unit = DiagonalGaussian(torch.zeros_like(logvar), logvar), DiagonalGaussian(*torch.zeros(2, *logvar.shape))
    assert kl(q).min() >= 0 and kl(q, unit).min() >= 0


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 3, 2)])
def test_log_prob_is_that_of_torch(shape: tuple[int, ...]) -> None:
    q = gaussian(shape, 0)
    z, log_q = q.sample(4, Noise(seed=1))
    assert z.shape == (4, *shape) and log_q.shape == (4, shape[0])
    torch.testing.assert_close(log_q, reference(q).log_prob(z))


def test_samples_have_the_mean_and_variance() -> None:
    q = gaussian((1, 4), 3)
    z, _ = q.sample(40_000, Noise(seed=0))
    torch.testing.assert_close(z.mean(0), q.mean, atol=0.06, rtol=0)
    torch.testing.assert_close(z.var(0), q.logvar.exp(), atol=0, rtol=0.06)


def test_temperature_zero_is_the_centre() -> None:
    q = gaussian((2, 4), 3)
    assert torch.equal(q.sample(2, Noise(temperature=0))[0], q.mean.expand(2, 2, 4))


def test_a_dirac_has_no_density_of_its_draw() -> None:
    belief = Dirac(torch.randn(2, 3))
    z, log_q = belief.sample(4)
    assert log_q is None and z.shape == (4, 2, 3)
    assert torch.equal(belief.log_prob(z), torch.zeros(4, 2))
    assert (belief.log_prob(z + 1) == -math.inf).all()


def test_log_variance_is_bounded_with_a_gradient() -> None:
    raw = torch.tensor([-30.0, -3.0, 0.0, 20.0], requires_grad=True)
    bounded = bound_logvar(raw)
    assert bounded.min() >= LOGVAR_MIN and bounded.max() <= LOGVAR_MAX
    assert float(bounded[1].detach()) == pytest.approx(-3.0)
    bounded.sum().backward()
    assert raw.grad is not None and (raw.grad > 0).all()
