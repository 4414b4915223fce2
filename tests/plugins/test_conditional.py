"""The contract of the conditional prior, and its oracles: torch's own Gaussians, and moments of draws by label."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence
from vaezoo_conditional.prior import ConditionalNormalPrior

from vaezoo import create, create_objective
from vaezoo.core import Batch, Context, DiagonalGaussian, Dirac, Noise
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.testing import ModelContract, PluginContract

from .descent import discs


class TestPlugin(PluginContract):
    package = "vaezoo_conditional"


class TestModel(ModelContract):
    model = "conditional-prior-vae"

    def cond(self, images: int) -> dict[str, Tensor]:
        return {"label": torch.arange(images) % 10}


class TestGrid(TestModel):
    """Cells of a convolutional model, at every size."""

    model = "conv-cvae"
    params = {"prior": "conditional-normal"}


CELLS = pytest.mark.parametrize(("stride", "cells"), [(None, ()), (2, (2, 3))])


def prior_of(stride: int | None = None) -> ConditionalNormalPrior:
    """A prior that is far from N(0, I), and another for each vector."""
    torch.manual_seed(0)
    prior = ConditionalNormalPrior(3, stride, 4, (8,))
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.normal_(std=0.6)
    return prior


def told(vectors: int = 5) -> Context:
    return Context(vectors, (4, 6), vector=torch.randn(vectors, 4, generator=torch.Generator().manual_seed(1)))


def torchs(prior: ConditionalNormalPrior, context: Context, cells: tuple[int, ...]) -> Independent:
    """Its Gaussian by hand: the first D outputs are means, the others raw log-variances, softly held in (−14, 8)."""
    raw = prior.body(context.vector).view(context.batch, 6, *[1] * len(cells)).expand(-1, -1, *cells)
    logvar = -3 + 11 * torch.tanh((raw[:, 3:] + 3) / 11)
    return Independent(Normal(raw[:, :3], logvar.exp().sqrt()), 1 + len(cells))


@torch.no_grad()
@CELLS
def test_the_rate_and_the_density_are_torchs(stride: int | None, cells: tuple[int, ...]) -> None:
    prior, context = prior_of(stride), told()
    belief = DiagonalGaussian(torch.randn(5, 3, *cells), torch.randn(5, 3, *cells))
    normal = Independent(Normal(belief.mean, torch.exp(0.5 * belief.logvar)), 1 + len(cells))
    expected = kl_divergence(normal, torchs(prior, context, cells))
    assert expected.std() > 1  # the rows differ, so a wrong row is seen
    latents = prior.infer(belief, context, 2000, Noise(seed=0))
    torch.testing.assert_close(latents.rate[0], expected)
    terms = latents.log_q - latents.log_p
    assert ((terms.mean(0) - expected).abs() < 5 * terms.std(0) / 2000**0.5).all()
    z = torch.randn(7, 5, 3, *cells)
    torch.testing.assert_close(prior.log_prob(z, context), torchs(prior, context, cells).log_prob(z))


@torch.no_grad()
@CELLS
def test_draws_have_the_moments_of_their_vector(stride: int | None, cells: tuple[int, ...]) -> None:
    prior, context = prior_of(stride), told()
    expected = torchs(prior, context, cells)
    drawn = prior.sample(context, 4000, Noise(seed=0))
    z, width = drawn.z[0], expected.variance.sqrt()
    assert z.shape == (4000, 5, 3, *cells)
    torch.testing.assert_close((z.mean(0) - expected.mean) / width, torch.zeros_like(width), atol=0.08, rtol=0)
    torch.testing.assert_close(z.std(0) / width, torch.ones_like(width), atol=0.06, rtol=0)
    torch.testing.assert_close(drawn.log_p, expected.log_prob(z), rtol=1e-4, atol=1e-3)
    centre = prior.sample(context, 1, Noise(temperature=0)).z[0][0]
    torch.testing.assert_close(centre, expected.mean.expand_as(centre))


@torch.no_grad()
def test_each_label_has_its_own_samples() -> None:
    model = create("conditional-prior-vae", seed=0).eval()
    model.prior.body[-1].weight.normal_(generator=torch.Generator().manual_seed(0))
    label = torch.tensor([3, 7]).repeat_interleave(3000)
    context = model.context(torch.zeros(6000, 1, 28, 28), {"label": label})
    z = model.path(context, 1, Noise(seed=0))[0].z[0][0]
    for row in (slice(0, 3000), slice(3000, 6000)):
        p = model.prior.given(model.context(torch.zeros(1, 1, 28, 28), {"label": label[row][:1]}))
        width = torch.exp(0.5 * p.logvar[0])
        torch.testing.assert_close((z[row].mean(0) - p.mean[0]) / width, torch.zeros(16), atol=0.08, rtol=0)
        torch.testing.assert_close(z[row].std(0) / width, torch.ones(16), atol=0.06, rtol=0)
    assert (z[:3000].mean(0) - z[3000:].mean(0)).abs().max() > 0.5


@torch.no_grad()
def test_it_starts_near_the_standard_normal_for_every_vector() -> None:
    p = ConditionalNormalPrior(3, None, 4).given(told())
    assert not p.mean.any() and p.logvar.abs().max() < 0.1


@torch.no_grad()
def test_a_point_has_a_density_here_but_no_rate() -> None:
    latents = prior_of().infer(Dirac(torch.randn(5, 3)), told())
    assert latents.rate == () and latents.log_p is not None and latents.log_p.shape == (1, 5)


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (32, 32))])
def test_fifty_steps_lower_the_loss(channels: int, size: tuple[int, int]) -> None:
    objective = create_objective("conditional-prior-vae", seed=0, image_channels=channels, image_size=list(size))
    images, label, draw = discs(64, channels, size), torch.arange(64) % 10, torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-3)
    losses = []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for step in range(50):
            rows = torch.randperm(64, generator=draw)[:16]
            terms = objective(Batch(images[rows], cond={"label": label[rows]}), step)
            optimiser.zero_grad()
            terms.loss.backward()
            optimiser.step()
            losses.append(float(terms.loss.detach()))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5]), (losses[:5], losses[-5:])


def test_training_moves_the_priors_apart() -> None:
    """Where each label has posteriors elsewhere, the rate alone teaches the prior where."""
    torch.manual_seed(0)
    prior, context = ConditionalNormalPrior(2, None, 4), told(2)
    belief = DiagonalGaussian(torch.tensor([[2.0, -1.0], [-2.0, 0.5]]), torch.tensor([[-1.0, 0.0], [0.5, -2.0]]))
    optimiser = torch.optim.Adam(prior.parameters(), lr=0.03)
    for _ in range(300):
        optimiser.zero_grad()
        prior.rate(belief, context).sum().backward()
        optimiser.step()
    p = prior.given(context)
    torch.testing.assert_close(p.mean, belief.mean, atol=0.05, rtol=0)
    torch.testing.assert_close(p.logvar, belief.logvar, atol=0.05, rtol=0)


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigError, match="context_vector of at least 1 for the prior to read, got 0"):
        ConditionalNormalPrior(3, context_vector=0)
    with pytest.raises(ConfigError, match=r"Expected hidden as numbers of at least 1, got \[0\]"):
        create("conditional-prior-vae", prior={"hidden": [0]})
    with pytest.raises(IncompatibleParts, match=r"of 4, but the context holds none\. Use a conditioner"):
        prior_of().sample(Context(2, (4, 6)))
    with pytest.raises(IncompatibleParts, match="reads a vector of 4, but the context holds 5"):
        prior_of().sample(Context(2, (4, 6), vector=torch.zeros(2, 5)))
    with pytest.raises(IncompatibleParts, match="prior 'conditional-normal' reads a vector of 16, but without a cond"):
        create("mlp-vae", prior="conditional-normal")
