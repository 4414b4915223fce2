"""A second VAE for a prior: its bound against quadrature, its draws against its density, and the fit of a parabola."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor
from vaezoo_twostage import facts
from vaezoo_twostage.prior import TwoStagePrior

from vaezoo import create, fit_prior, load, save
from vaezoo.core import Batch, Context, DiagonalGaussian, Noise
from vaezoo.errors import ConfigError
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_twostage"


class TestModel(ModelContract):
    model = "two-stage-vae"


class TestGrid(ModelContract):
    model = "conv-beta"
    params = {"prior": {"name": "two-stage", "hidden": [16]}, "loss": "elbo"}


ONE = Context(1, (8, 8))


def line(draws: int = 8) -> TwoStagePrior:
    """One latent, a bent decoder, and an encoder that knows it only roughly."""
    torch.manual_seed(0)
    prior = TwoStagePrior(1, None, (8,), draws)
    with torch.no_grad():
        prior.decoder[0].weight.normal_(0, 2)
        prior.decoder[2].weight.normal_()
        prior.encoder[2].bias.copy_(torch.tensor([0.2, 0.3]))
        prior.raw_logvar.fill_(-1.0)
        prior.shift.fill_(1.5)
        prior.spread.fill_(2.0)
    return prior.eval()


@torch.no_grad()
def exact(prior: TwoStagePrior, z: Tensor) -> Tensor:
    """Returns log p(z) of one latent, (N,), by the sum over a fine grid of u."""
    u = torch.linspace(-8, 8, 8001)[:, None]
    mean = prior.decoder(u)[:, 0] * 2.0 + 1.5
    width = 2.0 * torch.exp(torch.tensor(0.5 * float(_logvar(prior))))
    log_p = torch.distributions.Normal(mean[None], width).log_prob(z[:, None])
    log_u = torch.distributions.Normal(0.0, 1.0).log_prob(u[:, 0])
    return torch.logsumexp((log_p + log_u).double() + math.log(16 / 8000), 1)


def _logvar(prior: TwoStagePrior) -> Tensor:
    from vaezoo.core.beliefs.posterior import bound_logvar

    return bound_logvar(prior.raw_logvar.detach())


@torch.no_grad()
def test_the_bound_is_below_and_its_weights_have_the_density_for_a_mean() -> None:
    prior, z = line(1), torch.linspace(-3, 5, 9)
    truth = exact(prior, z)
    many = z.view(1, 9, 1).expand(10_000, 9, 1)
    weights = prior.weigh(many, ONE, Noise()).double()
    assert (weights.mean(0) < truth).all()
    p, error = weights.exp().mean(0), weights.exp().std(0) / 100
    assert ((p - truth.exp()).abs() < 5 * error).all() and (error < 0.1 * truth.exp())[1:].all()
    torch.testing.assert_close(line(4096).log_prob(z.view(1, 9, 1), ONE)[0, 1:].double(), truth[1:], atol=0.1, rtol=0)
    more = line(16).weigh(many[:1000], ONE, Noise(seed=1)).mean(0)
    assert (more > weights.mean(0)).all() and (more < truth + 0.05).all()


@torch.no_grad()
def test_draws_follow_the_density() -> None:
    prior = line()
    z = prior.sample(Context(100_000, (8, 8)), 1, Noise(seed=0)).z[0].flatten()
    edges = torch.quantile(z, torch.linspace(0.02, 0.98, 9))
    middle, width = (edges[1:] + edges[:-1]) / 2, edges.diff()
    fine = middle[:, None] + width[:, None] * torch.linspace(-0.5, 0.5, 101)
    mass = exact(prior, fine.flatten()).exp().view(8, 101).mean(1) * width
    seen = torch.stack([((z > low) & (z <= high)).double().mean() for low, high in pairwise(edges)])
    torch.testing.assert_close(seen, mass.double(), atol=0.005, rtol=0)


@torch.no_grad()
def test_a_density_is_the_same_again_and_leaves_the_generator_alone() -> None:
    prior, z = line(), torch.randn(2, 3, 1)
    state = torch.get_rng_state()
    first = prior.log_prob(z, ONE)
    assert torch.equal(first, prior.log_prob(z, ONE)) and torch.equal(state, torch.get_rng_state())
    posterior = DiagonalGaussian(torch.zeros(3, 1), torch.zeros(3, 1))
    together = prior.infer(posterior, Context(3, (8, 8)), 4, Noise(seed=2))
    apart = [prior.infer(posterior, Context(3, (8, 8)), 1, Noise(seed=2).at(i)) for i in range(4)]
    torch.testing.assert_close(together.log_p, torch.cat([one.log_p for one in apart]))
    torch.testing.assert_close(together.rate[0], (together.log_q - together.log_p).mean(0))


@torch.no_grad()
def test_the_rate_is_no_less_than_the_divergence() -> None:
    prior = line(1)
    posterior = DiagonalGaussian(torch.tensor([[0.5]]), torch.tensor([[-1.0]]))
    found = prior.infer(posterior, ONE, 50_000, Noise(seed=0))
    truth = (found.log_q[:, 0].double() - exact(prior, found.z[0].flatten())).mean()
    assert float(found.rate[0]) > float(truth)


def parabola(rows: int, seed: int) -> Tensor:
    first, second = torch.randn(2, rows, generator=torch.Generator().manual_seed(seed))
    return torch.stack([first, first**2 + 0.1 * second], 1)


def test_a_parabola_is_found_where_a_gaussian_sees_a_heap() -> None:
    torch.manual_seed(0)
    prior, z, unseen = TwoStagePrior(2, None, (64, 64)), parabola(4000, 0), parabola(2000, 1)
    history = prior.fit(z, Context(4000, (8, 8)), steps=600)
    assert len(history) == 600
    heap = torch.distributions.MultivariateNormal(z.mean(0), torch.cov(z.T)).log_prob(unseen).mean()
    truth = -math.log(2 * math.pi) - math.log(0.1) - 1  # minus the entropies of both normal laws
    with torch.no_grad():
        found = prior.log_prob(unseen[None], Context(2000, (8, 8))).mean()
        drawn = prior.sample(Context(2000, (8, 8)), 1, Noise(seed=0)).z[0][0]
    assert heap + 1 < found < truth + 0.1
    assert float((drawn[:, 1] - drawn[:, 0] ** 2).abs().median()) < 0.4


def test_it_is_fitted_to_a_model(tmp_path: Path) -> None:
    model = create("mlp-vae", seed=0, latent_channels=4).eval()
    with torch.no_grad():
        for parameter in list(model.encoder.parameters())[-2:]:
            parameter.mul_(20).add_(0.1)
    x = torch.rand(200, 1, 28, 28, generator=torch.Generator().manual_seed(0)).round()
    fitted = fit_prior(model, x, "two-stage", samples=20, hidden=[32], steps=300)
    with torch.no_grad():
        old, new = (m(Batch(x), 4, Noise(seed=0)) for m in (model, fitted))
        assert torch.equal(old.distortion, new.distortion) and new.elbo.mean() > old.elbo.mean()
        assert fitted.nll(Batch(x), 32, noise=Noise(seed=0)).mean() < -new.elbo.mean()
    again = load(save(fitted, tmp_path / "fitted"))
    assert torch.equal(again.sample(2, noise=Noise(seed=0)), fitted.sample(2, noise=Noise(seed=0)))
    points = fit_prior(create("rae-l2", seed=0).eval(), x, "two-stage", hidden=[32], steps=5)
    assert points.sample(2).isfinite().all()


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="Expected draws of at least 1, got 0"):
        facts.TwoStagePriorConfig(4, draws=0)
    with pytest.raises(ConfigError, match="Expected hidden as 1 or more numbers of at least 1"):
        TwoStagePrior(4, hidden=())
