"""Flat priors: densities against torch.distributions, and samples against densities."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vaezoo.core import Context, DiagonalGaussian, Dirac, MixturePrior, Noise, NormalPrior, Pyramid, kl
from vaezoo.core.beliefs.posterior import bound_logvar
from vaezoo.errors import ConfigError, IncompatibleParts

ONE = Context(1, (8, 8))


def mixture(channels: int = 2, stride: int | None = None) -> MixturePrior:
    torch.manual_seed(0)
    prior = MixturePrior(channels, stride, components=3)
    with torch.no_grad():
        prior.weight_logits.copy_(torch.tensor([0.5, -0.5, 1.0]))
        prior.means.mul_(4)
        prior.raw_logvars.normal_()
    return prior


def reference(prior: MixturePrior) -> MixtureSameFamily:
    scale = torch.exp(0.5 * bound_logvar(prior.raw_logvars))
    return MixtureSameFamily(Categorical(logits=prior.weight_logits), Independent(Normal(prior.means, scale), 1))


@pytest.mark.parametrize("prior", [NormalPrior(3), NormalPrior(3, 4)])
def test_normal_density(prior: NormalPrior) -> None:
    latents = prior.sample(Context(2, (8, 8)), 5)
    z = latents.z[0]
    assert z.shape == ((5, 2, 3) if prior.latent_stride is None else (5, 2, 3, 2, 2))
    torch.testing.assert_close(latents.log_p, Normal(0.0, 1.0).log_prob(z).flatten(2).sum(2))


def test_normal_infers_with_the_exact_rate() -> None:
    q = DiagonalGaussian(torch.randn(2, 3), torch.randn(2, 3))
    latents = NormalPrior(3).infer(q, ONE, 4)
    torch.testing.assert_close(latents.rate[0], kl(q))
    assert latents.state.shape == (8, 3) and torch.equal(latents.state.view(4, 2, 3), latents.z[0])


@torch.no_grad()
def test_mixture_density() -> None:
    prior = mixture()
    z = 3 * torch.randn(4, 2, 2)
    torch.testing.assert_close(prior.log_prob(z, ONE), reference(prior).log_prob(z))


@torch.no_grad()
def test_mixture_density_of_a_grid_is_the_sum_over_cells() -> None:
    prior = mixture(stride=4)
    z = torch.randn(4, 2, 2, 3, 5)
    expected = reference(prior).log_prob(z.movedim(2, -1)).flatten(2).sum(2)
    torch.testing.assert_close(prior.log_prob(z, ONE), expected)


@torch.no_grad()
@pytest.mark.parametrize("stride", [None, 2])
def test_mixture_samples_have_the_density(stride: int | None) -> None:
    prior = mixture(stride=stride)
    z = prior.sample(ONE, 20_000 if stride is None else 1250, Noise(seed=0)).z[0]
    drawn = z.reshape(-1, 2) if stride is None else z.movedim(2, -1).reshape(-1, 2)
    assert len(drawn) == 20_000
    truth = reference(prior)
    for channel in range(2):  # Kolmogorov-Smirnov: 1.95 / sqrt(n) is exceeded once in a thousand
        values = drawn[:, channel].sort().values
        scale = torch.exp(0.5 * bound_logvar(prior.raw_logvars))[:, channel]
        each = Normal(prior.means[:, channel], scale).cdf(values[:, None])
        cdf = (truth.mixture_distribution.probs * each).sum(1)
        assert (cdf - torch.linspace(0, 1, len(values))).abs().max() < 1.95 / len(values) ** 0.5
    covariance = torch.cov(drawn.T)
    other = torch.cov(truth.sample((20_000,)).T)
    torch.testing.assert_close(covariance, other, rtol=0.06, atol=0.1)


@torch.no_grad()
def test_mixture_at_temperature_zero_is_its_mean() -> None:
    prior = mixture()
    z = prior.sample(ONE, 1, Noise(temperature=0)).z[0]
    torch.testing.assert_close(z[0, 0], reference(prior).mean)


def test_mixture_estimates_its_rate() -> None:
    q = DiagonalGaussian(torch.randn(2, 2), torch.randn(2, 2))
    latents = mixture().infer(q, ONE, 7)
    assert latents.log_q is not None and latents.log_p is not None
    torch.testing.assert_close(latents.rate[0], (latents.log_q - latents.log_p).mean(0))


def test_one_component_is_one_gaussian() -> None:
    prior = MixturePrior(2, components=1)
    z = torch.randn(3, 1, 2)
    gaussian = DiagonalGaussian(prior.means, bound_logvar(prior.raw_logvars))
    torch.testing.assert_close(prior.log_prob(z, ONE), gaussian.log_prob(z))


def test_a_dirac_has_no_rate() -> None:
    latents = NormalPrior(3).infer(Dirac(torch.randn(2, 3)), ONE, 2)
    assert latents.rate == () and latents.log_q is None


def test_a_pyramid_is_refused() -> None:
    with pytest.raises(IncompatibleParts, match="NormalPrior takes a posterior, but the encoder gives a pyramid"):
        NormalPrior(3).infer(Pyramid(()), ONE)


def test_no_component_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1 component, got 0"):
        MixturePrior(2, components=0)


def test_a_prior_of_an_older_plugin_keeps_its_names() -> None:
    with pytest.warns(DeprecationWarning) as caught:

        class Ring(NormalPrior):
            lies = "on a ring"

            def way(self, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
                return start

    said = [str(warning.message) for warning in caught]
    assert said == ["vaezoo: Ring.lies is geometry now.", "vaezoo: Ring.way is interpolate now."]
    assert Ring.geometry == "on a ring" and Ring.interpolate is Ring.way
