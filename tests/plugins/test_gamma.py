"""The Gamma law against torch.distributions, its draws and their gradient."""

from __future__ import annotations

import pytest
import scipy.stats
import torch
from vaezoo_gamma.posterior import Gamma, gamma
from vaezoo_gamma.prior import GammaPrior

from vaezoo import create
from vaezoo.core import Context, Noise
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_gamma"


class TestGamma(ModelContract):
    model = "gamma-vae"


class TestGrid(ModelContract):
    model = "conv-beta"
    params = {"encoder": {"name": "conv", "belief": "gamma"}, "prior": "gamma", "loss": "elbo"}


LAW = Gamma(torch.tensor([[0.3, 1.0, 4.0, 60.0]]), torch.tensor([[0.5, 2.0, 1.0, 7.0]]))


def test_density_and_rate_are_torchs() -> None:
    theirs = torch.distributions.Gamma(LAW.shape, LAW.inverse)
    z, log_q = LAW.sample(9, Noise(seed=0))
    torch.testing.assert_close(log_q, theirs.log_prob(z).sum(2))
    prior = torch.distributions.Gamma(torch.tensor(3.0), torch.tensor(1.5))
    exact = torch.distributions.kl_divergence(theirs, prior).sum(1)
    mine = GammaPrior(4, shape=3.0, rate=1.5)
    latents = mine.infer(LAW, Context(1, (1, 1)), 9, Noise(seed=0))
    torch.testing.assert_close(latents.rate[0], exact)
    torch.testing.assert_close(latents.log_p, prior.log_prob(z).sum(2))


def test_draws_have_its_law() -> None:
    z, _ = LAW.sample(8000, Noise(seed=0))
    for index in range(4):
        theirs = scipy.stats.gamma(float(LAW.shape[0, index]), scale=1 / float(LAW.inverse[0, index]))
        assert scipy.stats.kstest(z[:, 0, index].double().numpy(), theirs.cdf).pvalue > 1e-3, index
    drawn = GammaPrior(1, shape=3.0, rate=1.5).sample(Context(8000, (1, 1)), 1, Noise(seed=0)).z[0]
    assert scipy.stats.kstest(drawn.flatten().numpy(), scipy.stats.gamma(3, scale=1 / 1.5).cdf).pvalue > 1e-3
    assert torch.equal(LAW.sample(1, Noise(temperature=0))[0][0], LAW.mean)


def test_the_approximate_quantiles_are_near() -> None:
    eps = torch.tensor([-2.0, 0.0, 2.0]).view(3, 1, 1)
    expected = scipy.stats.gamma(3, scale=1 / 1.5).ppf(scipy.stats.norm.cdf([-2, 0, 2]))
    found = GammaPrior(1, shape=3.0, rate=1.5).draw(eps, Context(1, (1, 1))).flatten()
    torch.testing.assert_close(found, torch.tensor(expected).float(), rtol=0.05, atol=0.02)


def test_the_gradient_of_an_expectation_is_unbiased() -> None:
    """E z = a/b and E log z = ψ(a) − log b."""
    shape = LAW.shape.clone().requires_grad_()
    inverse = LAW.inverse.clone().requires_grad_()
    z, _ = Gamma(shape, inverse).sample(20000, Noise(seed=0))
    first = torch.autograd.grad(z.mean(0).sum(), (shape, inverse), retain_graph=True)
    torch.testing.assert_close(first[0], 1 / LAW.inverse, rtol=0.05, atol=0)
    torch.testing.assert_close(first[1], -LAW.shape / LAW.inverse**2, rtol=0.05, atol=0)
    (logs,) = torch.autograd.grad(torch.log(z).mean(0).sum(), shape)
    torch.testing.assert_close(logs, torch.polygamma(1, LAW.shape), rtol=0.06, atol=0)


def test_every_raw_number_gives_a_law() -> None:
    raw = torch.tensor([[-1e4, 1e4, 0.0, -1e4, 1e4, 0.0]], requires_grad=True)
    q = gamma(raw)
    z, log_q = q.sample(5, Noise(seed=0))
    assert (z > 0).all() and log_q.isfinite().all() and (q.rate(2.0, 2.0) > 0).all()
    (grad,) = torch.autograd.grad(log_q.sum() + q.rate(2.0, 2.0).sum(), raw)
    assert grad.isfinite().all()


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Expected shape and rate above 0, got 0 and 1\.0"):
        GammaPrior(2, shape=0, rate=1.0)
    with pytest.raises(IncompatibleParts, match="gives a gamma belief, but the prior 'normal' takes"):
        create("gamma-vae", prior="normal")
