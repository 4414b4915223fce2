"""Categorical latents against torch.distributions, the Concrete density, exact marginals, and JointVAE's loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from vaezoo_discrete.losses import JointCapacityLoss
from vaezoo_discrete.posterior import Categorical
from vaezoo_discrete.prior import CategoricalPrior, JointPrior, Schedule

from vaezoo import create, create_objective
from vaezoo.core import VAE, Batch, Context, Decoder, Encoder, Gaussian, Noise, Posterior
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_discrete"


class TestGumbel(ModelContract):
    model = "gumbel-vae"


class TestConcrete(ModelContract):
    model = "concrete-vae"


class TestJoint(ModelContract):
    model = "joint-vae"


class TestRelaxedJoint(ModelContract):
    model = "joint-vae"
    params = {"prior": {"straight_through": False}, "loss": "elbo"}


class TestGrid(ModelContract):
    model = "conv-beta"
    params = {
        "encoder": {"name": "conv", "belief": "categorical(classes=4)"},
        "prior": {"name": "categorical", "classes": 4},
        "loss": "elbo",
    }


LOGITS = torch.tensor([[0.5, -1.0, 0.2, 1.5, 0.0, -0.4]])  # two variables of three classes
CONTEXT = Context(1, (1, 1))


def test_one_hot_draws_are_torchs() -> None:
    q = Categorical(LOGITS, 3)
    theirs = torch.distributions.OneHotCategorical(logits=LOGITS.view(1, 2, 3))
    z, log_q = q.sample(20000, Noise(seed=0))
    torch.testing.assert_close(log_q, theirs.log_prob(z.view(-1, 1, 2, 3).round()).sum(2))
    torch.testing.assert_close(z.mean(0), theirs.probs.flatten(1), atol=0.012, rtol=0)
    uniform = torch.distributions.OneHotCategorical(logits=torch.zeros(1, 2, 3))
    torch.testing.assert_close(q.rate(), torch.distributions.kl_divergence(theirs, uniform).sum(1))
    latents = CategoricalPrior(6, classes=3).infer(q, CONTEXT, 20000, Noise(seed=0))
    assert float((latents.log_q - latents.log_p).mean()) == pytest.approx(float(q.rate()), abs=0.02)


@pytest.mark.parametrize("temperature", [0.4, 1.0])
def test_the_relaxed_density_is_torchs_and_integrates_to_one(temperature: float) -> None:
    q = Categorical(LOGITS, 3, temperature, straight_through=False)
    theirs = torch.distributions.RelaxedOneHotCategorical(torch.tensor(temperature), logits=LOGITS.view(1, 2, 3))
    z, log_q = q.sample(50, Noise(seed=0))
    inner = (z > 1e-6).all(2)
    expected = theirs.log_prob(z.view(-1, 1, 2, 3)).sum(2)
    torch.testing.assert_close(log_q[inner], expected[inner], atol=1e-3, rtol=1e-3)
    one = Categorical(torch.tensor([[0.7, -0.3]]), 2, temperature, straight_through=False)
    # z = sigmoid(s): integrated over s, where the density falls off exponentially
    s = torch.linspace(-40, 40, 8001)
    share = torch.sigmoid(s).clamp(1e-20, 1)
    points = torch.stack([share, torch.sigmoid(-s)], 1)[:, None]
    mass = (one.log_prob(points)[:, 0].exp() * torch.sigmoid(s) * torch.sigmoid(-s)).sum() * 0.01
    assert float(mass) == pytest.approx(1, abs=2e-3)


def test_the_relaxed_rate_is_not_below_the_categoricals() -> None:
    q = Categorical(LOGITS, 3)
    prior = CategoricalPrior(6, classes=3, straight_through=False, temperature=0.5, least=0.5)
    latents = prior.infer(q, CONTEXT, 20000, Noise(seed=0))
    torch.testing.assert_close(latents.rate[0], (latents.log_q - latents.log_p).mean(0))
    assert float(latents.rate[0]) > float(q.rate()) - 0.02


def test_the_straight_gradient_is_the_relaxed_ones() -> None:
    logits = LOGITS.clone().requires_grad_()
    weight = torch.arange(6.0)
    hard, _ = Categorical(logits, 3, 0.7).sample(4, Noise(seed=0))
    soft, _ = Categorical(logits, 3, 0.7, straight_through=False).sample(4, Noise(seed=0))
    torch.testing.assert_close(
        *(torch.autograd.grad((z * weight).sum(), logits, retain_graph=True)[0] for z in (hard, soft))
    )
    assert set(hard.detach().round(decimals=5).unique().tolist()) == {0.0, 1.0}


class Coin(Encoder):
    channels, size = 1, (1, 1)

    def forward(self, image: Tensor, context: Context) -> Posterior:
        return Categorical(torch.tensor([[0.3, -0.2, 0.1]]).repeat(len(image), 1), 3)


class Levels(Decoder):
    channels, size = 1, (1, 1)

    def forward(self, state: Tensor, context: Context) -> Gaussian:
        return Gaussian((state @ torch.tensor([0.0, 0.5, 1.0])).view(-1, 1, 1, 1), torch.tensor(-1.0))


@torch.no_grad()
def test_the_nll_of_the_discrete_model_is_the_sum_over_its_classes() -> None:
    model = VAE(encoder=Coin(), prior=CategoricalPrior(3, classes=3), decoder=Levels()).eval()
    x = torch.tensor([0.1, 0.8]).view(2, 1, 1, 1)
    normal = torch.distributions.Normal(torch.tensor([0.0, 0.5, 1.0]), math.exp(-0.5))
    exact = -torch.logsumexp(normal.log_prob(x.view(2, 1)), 1) + math.log(3)
    torch.testing.assert_close(model.nll(Batch(x), k=20000, chunk=5000, noise=Noise(seed=0)), exact, atol=0.01, rtol=0)


def test_the_temperature_falls_with_uses_in_training_only() -> None:
    schedule = Schedule(1.0, 0.5, 0.1)
    taus = [float(schedule()) for _ in range(10)]
    assert taus[:3] == pytest.approx([1.0, math.exp(-0.1), math.exp(-0.2)]) and taus[-1] == 0.5
    schedule.eval()
    assert float(schedule()) == 0.5 and int(schedule.uses) == 10


def test_joint_rates_are_levels_and_the_loss_holds_each_at_its_capacity() -> None:
    objective = create_objective("joint-vae", seed=0)
    batch = Batch(torch.rand(4, 1, 28, 28))
    for step, grown in ((0, 0.0), (50, 0.5), (500, 1.0)):
        torch.manual_seed(0)
        terms = JointCapacityLoss(4.0, 2.0, gamma=7.0, steps=100)(objective.model, batch, step)
        gaussian, categorical = terms.reports["rate_gaussian"], terms.reports["rate_categorical"]
        held = (gaussian - 4 * grown).abs() + (categorical - 2 * grown).abs()
        torch.testing.assert_close(terms.loss.detach(), terms.reports["distortion"] + 7 * held)
        torch.testing.assert_close(terms.reports["rate"], gaussian + categorical)
    latents = objective.model.prior.infer(objective.model.encode(batch.y), Context(4, (28, 28)), 2)
    assert len(latents.rate) == 2 and latents.z[0].shape == (2, 4, 20)
    one_hot = latents.z[0][..., 10:]
    torch.testing.assert_close(one_hot.sum(2), torch.ones(2, 4))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: CategoricalPrior(6, classes=1), "Expected at least 2 classes, got 1"),
        (lambda: CategoricalPrior(7, classes=3), "latent channels as a multiple of 3 classes, got 7"),
        (lambda: JointPrior(10, classes=10), "Expected more than 10 latent channels"),
        (lambda: Schedule(0.5, 1.0, 0.1), "Expected 0 < least <= temperature and decay >= 0, got 1.0, 0.5 and 0.1"),
        (lambda: JointCapacityLoss(gamma=-1), "Expected gamma of at least 0, got -1"),
        (lambda: create("gumbel-vae", latent_channels=201), "multiple of 10 classes, got 201"),
    ],
)
def test_what_cannot_work_is_refused(call, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        call()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(
        IncompatibleParts, match=r"gives a categorical\(classes=10\) belief, but the prior 'categorical'"
    ):
        create("gumbel-vae", prior={"classes": 5})
    with pytest.raises(IncompatibleParts, match="'joint-capacity' takes a gaussian-categorical belief"):
        create_objective("mlp-vae", loss="joint-capacity")
