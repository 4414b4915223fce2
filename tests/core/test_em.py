"""Mixtures fitted by EM: against a known mixture, sample moments and torch's densities."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from vaezoo.core import Context, MixturePrior, Noise, NormalPrior
from vaezoo.core.beliefs.posterior import bound_logvar, unbound_logvar
from vaezoo.core.priors.ascent import ascend
from vaezoo.core.priors.em import fit_mixture
from vaezoo.errors import ConfigError, IncompatibleParts

WEIGHTS = torch.tensor([0.5, 0.3, 0.2])
MEANS = torch.tensor([[0.0, 0.0], [5.0, -2.0], [-4.0, 6.0]])
FACTORS = torch.tensor([[[1.0, 0.0], [0.8, 0.5]], [[0.5, 0.0], [-0.4, 0.3]], [[1.5, 0.0], [0.0, 0.7]]])
ONE = Context(1, (8, 8))


def truth(diagonal: bool) -> MixtureSameFamily:
    factors = torch.diag_embed(FACTORS.diagonal(dim1=1, dim2=2)) if diagonal else FACTORS
    return MixtureSameFamily(Categorical(WEIGHTS), MultivariateNormal(MEANS, scale_tril=factors))


def drawn(diagonal: bool, rows: int = 20_000) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return truth(diagonal).sample((rows,))


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_a_known_mixture_is_found_again_and_stated_exactly(covariance: str) -> None:
    z = drawn(covariance == "diagonal")
    prior = MixturePrior(2, None, 3, covariance)
    history = prior.fit(z, Context(len(z), (8, 8)))
    found = fit_mixture(z, 3, full=covariance == "full", floor=1e-5, ceiling=1e3)
    order = torch.cdist(MEANS.double(), found.means).argmin(1)
    torch.testing.assert_close(found.weights[order].float(), WEIGHTS, atol=0.02, rtol=0)
    torch.testing.assert_close(found.means[order].float(), MEANS, atol=0.06, rtol=0)
    with torch.no_grad():
        log_prob = prior.log_prob(z[:, None], ONE)[:, 0]
        # What the bounded parameters state is what EM found, and nearly the truth.
        assert float(log_prob.mean()) == pytest.approx(history[-1], abs=1e-4)
        stated = MixtureSameFamily(
            Categorical(logits=prior.weight_logits.double()),
            MultivariateNormal(found.means, scale_tril=found.factors),
        )
        torch.testing.assert_close(log_prob.double(), stated.log_prob(z.double()), atol=1e-4, rtol=1e-4)
    assert abs(float((truth(covariance == "diagonal").log_prob(z) - log_prob).mean())) < 0.003


@pytest.mark.parametrize("full", [False, True])
def test_the_likelihood_never_falls(full: bool) -> None:
    z = torch.rand(400, 3, generator=torch.Generator().manual_seed(0)) ** 3
    z[:50] = z[0]  # a point that a component could collapse on
    z[:, 2] = z[:, 1]  # and a direction without any spread
    found = fit_mixture(z, 6, full=full, tolerance=-1.0, steps=60)
    gains = torch.tensor(found.history).diff()
    assert len(found.history) == 60 and float(gains.min()) > -1e-9 and float(gains.sum()) > 0.1
    assert all(t.isfinite().all() for t in found[:3])


def test_one_component_is_the_sample_mean_and_covariance() -> None:
    z = drawn(False, 500)
    found = fit_mixture(z, 1, full=True)
    torch.testing.assert_close(found.means[0].float(), z.mean(0))
    torch.testing.assert_close((found.factors @ found.factors.mT)[0].float(), z.T.cov(correction=0))
    prior = MixturePrior(2, components=1)
    prior.fit(z, Context(500, (8, 8)))
    torch.testing.assert_close(prior.means[0].detach(), z.mean(0))
    torch.testing.assert_close(bound_logvar(prior.raw_logvars[0]).exp().detach(), z.var(0, correction=0))


@torch.no_grad()
def test_a_full_mixture_has_torchs_density_and_its_draws_the_moments() -> None:
    prior = MixturePrior(2, 4, 3, "full")
    prior.fit(drawn(False), Context(20_000, (8, 8)))
    grid = 2 * torch.randn(4, 2, 2, 3, 5)
    logvars, below = bound_logvar(prior.raw_logvars), prior.below
    factors = torch.diag_embed(torch.exp(0.5 * logvars)) + below
    torchs = MixtureSameFamily(
        Categorical(logits=prior.weight_logits), MultivariateNormal(prior.means, scale_tril=factors)
    )
    expected = torchs.log_prob(grid.movedim(2, -1)).flatten(2).sum(2)
    torch.testing.assert_close(prior.log_prob(grid, ONE), expected, atol=1e-3, rtol=1e-4)
    z = prior.sample(Context(1, (400, 400)), 1, Noise(seed=0)).z[0][0, 0].flatten(1)
    torch.testing.assert_close(z.mean(1), torchs.mean, atol=0.15, rtol=0)
    torch.testing.assert_close(z.cov(), drawn(False).T.cov(), atol=0.5, rtol=0)


def test_cells_of_a_grid_are_rows() -> None:
    z = drawn(True, 600).view(100, 3, 2, 2).movedim(-1, 1)  # (100, 2, 3, 2)
    prior = MixturePrior(2, 4, 2)
    history = prior.fit(z, Context(100, (12, 8)))
    with torch.no_grad():
        assert float(prior.log_prob(z[None], ONE).mean()) == pytest.approx(history[-1], rel=1e-4)


def test_the_bound_of_a_log_variance_is_undone() -> None:
    logvar = torch.linspace(-13.9, 7.9, 50)
    torch.testing.assert_close(bound_logvar(unbound_logvar(logvar)), logvar, atol=1e-4, rtol=0)


def test_gradient_ascends_to_the_maximum() -> None:
    z = 0.2 * drawn(True, 2000)[:, :1]
    prior = MixturePrior(1, components=1)
    history = ascend(prior, lambda rows: prior.log_prob(z[None, rows], ONE)[0], len(z), 1500)
    assert sum(history[-100:]) > sum(history[:100])
    assert abs(float(prior.means.detach()) - float(z.mean())) < 0.03


def test_what_cannot_be_fitted_is_refused() -> None:
    z = torch.randn(7, 2)
    with pytest.raises(ConfigError, match=r"at least 2 latents for each of the 4 components, got 7\. Give more images"):
        MixturePrior(2, components=4).fit(z, ONE)
    with pytest.raises(ConfigError, match=r"variance of at most 2697, got 1e\+0[46]"):
        MixturePrior(2, components=1).fit(torch.tensor([[0.0, 0.0], [2000.0, 0.0]]), ONE)
    with pytest.raises(ConfigError, match=r"components and steps >= 1 and 0 < floor < ceiling, got \(0"):
        fit_mixture(z, 0)
    with pytest.raises(ConfigError, match="Expected covariance to be 'diagonal' or 'full', got 'tied'"):
        MixturePrior(2, covariance="tied")
    with pytest.raises(IncompatibleParts, match=r"NormalPrior has no parameters to fit"):
        NormalPrior(2).fit(z, ONE)
    with pytest.raises(ConfigError, match="Expected steps of at least 1, got 0"):
        ascend(MixturePrior(2), lambda rows: z.sum(1)[rows], 7, 0)
    assert math.isclose(1.0, float(fit_mixture(z, 2).weights.sum()))
