"""Kinds of belief by name, and the full covariance: against torch.distributions, and a linear model's exact answer."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Context, Decoder, Encoder, FullGaussian, Gaussian, Noise, NormalPrior, Posterior, kl
from vaezoo.core.beliefs import belief_channels, belief_kind
from vaezoo.core.beliefs.covariance import full_gaussian
from vaezoo.core.beliefs.kinds import OWN
from vaezoo.core.beliefs.posterior import DiagonalGaussian, believe
from vaezoo.core.facts import check_belief
from vaezoo.errors import ConfigError
from vaezoo.host.manager import current_zoo
from vaezoo.testing import ModelContract


def test_a_name_has_options_and_channels() -> None:
    assert [belief_channels(kind, 6) for kind in ("dirac", "gaussian", "full-gaussian")] == [6, 12, 27]
    assert check_belief("full-gaussian") == "density" and check_belief("gaussian") == "gaussian"
    assert belief_kind("vaezoo.core.beliefs.kinds:full_gaussian").fact == "density"
    assert isinstance(believe(torch.zeros(2, 27), "full-gaussian"), FullGaussian)


@pytest.mark.parametrize(
    ("belief", "sentence"),
    [
        ("gausian", "Expected belief to be one of .*gaussian.*Did you mean 'gaussian'"),
        ("gaussian(width=2)", "Expected belief as NAME.key=value. with options none, got 'gaussian.width=2.'"),
        ("gaussian(", "Expected belief as NAME or NAME.key=value., got 'gaussian.'"),
        ("gaussian(1+)", "Expected belief as NAME.key=value. with plain values, got"),
        ("not a name", "Expected belief as NAME or NAME"),
        ("vaezoo.nowhere:thing", "'vaezoo.nowhere:thing' fails with ModuleNotFoundError"),
    ],
)
def test_what_is_no_belief_is_refused(belief: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_belief(belief)


def test_the_cores_own_are_declared_too() -> None:
    declared = current_zoo().registry.kinds["belief"]
    for name, function in OWN.items():
        assert declared.get(name).target == f"vaezoo.core.beliefs.kinds:{function.__name__}"


def test_saying_a_belief_loads_no_torch() -> None:
    says = "from vaezoo.core.facts import check_belief; check_belief('full-gaussian'); check_belief('vmf')"
    code = f"import sys; {says}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def posterior(channels: int = 3, cells: tuple[int, ...] = (), images: int = 2) -> FullGaussian:
    torch.manual_seed(0)
    return full_gaussian(torch.randn(images, channels + channels * (channels + 1) // 2, *cells))


def test_the_full_gaussian_is_torchs() -> None:
    q = posterior()
    law = torch.distributions.MultivariateNormal(q.mean, scale_tril=q.factor)
    z, log_q = q.sample(5, Noise(seed=0))
    torch.testing.assert_close(log_q, law.log_prob(z))
    normal = torch.distributions.MultivariateNormal(torch.zeros(3), torch.eye(3))
    torch.testing.assert_close(q.rate(), torch.distributions.kl_divergence(law, normal))
    drawn, _ = q.sample(40000, Noise(seed=1))
    covariance = q.factor @ q.factor.mT
    for image in range(2):
        torch.testing.assert_close(drawn[:, image].mean(0), q.mean[image], atol=0.05, rtol=0.02)
        torch.testing.assert_close(drawn[:, image].T.cov(), covariance[image], atol=0.1, rtol=0.05)
    diagonal = DiagonalGaussian(q.mean, torch.log(q.factor.diagonal(dim1=1, dim2=2)) * 2)
    same = FullGaussian(q.mean, torch.diag_embed(q.factor.diagonal(dim1=1, dim2=2)))
    torch.testing.assert_close(same.rate(), kl(diagonal))


def test_a_grid_is_the_sum_over_its_cells() -> None:
    q = posterior(cells=(2, 2))
    z, log_q = q.sample(4, Noise(seed=0))
    cells = [FullGaussian(q.mean[..., i, j], q.factor[:, i, j]) for i in range(2) for j in range(2)]
    places = [z[..., i, j] for i in range(2) for j in range(2)]
    torch.testing.assert_close(log_q, sum(c.log_prob(p) for c, p in zip(cells, places, strict=True)))
    torch.testing.assert_close(q.rate(), sum(c.rate() for c in cells))


def test_the_normal_prior_takes_its_exact_rate() -> None:
    q = posterior()
    latents = NormalPrior(3).infer(q, Context(2, (4, 4)), 2)
    torch.testing.assert_close(latents.rate[0], q.rate())


WEIGHT = torch.tensor([[1.0, 0.5], [0.8, -0.3], [0.2, 0.9], [-0.4, 0.6]])
VARIANCE = 0.3


class ExactEncoder(Encoder):
    """The true posterior of x = W z + noise, whose latents are correlated."""

    channels, size = 1, (2, 2)

    def forward(self, image: Tensor, context: Context) -> Posterior:
        covariance = torch.linalg.inv(torch.eye(2) + WEIGHT.T @ WEIGHT / VARIANCE)
        mean = image.flatten(1) @ WEIGHT @ covariance / VARIANCE
        return FullGaussian(mean, torch.linalg.cholesky(covariance).expand(len(image), 2, 2))


class LinearDecoder(Decoder):
    channels, size = 1, (2, 2)

    def forward(self, state: Tensor, context: Context) -> Gaussian:
        return Gaussian((state @ WEIGHT.T).view(-1, 1, 2, 2), torch.tensor(math.log(VARIANCE)))


@torch.no_grad()
def test_the_bound_of_a_linear_model_is_tight() -> None:
    """With the true posterior every importance weight is p(x), so one sample's NLL is the exact one."""
    model = VAE(encoder=ExactEncoder(), prior=NormalPrior(2), decoder=LinearDecoder()).eval()
    x = torch.rand(3, 1, 2, 2)
    marginal = torch.distributions.MultivariateNormal(torch.zeros(4), WEIGHT @ WEIGHT.T + VARIANCE * torch.eye(4))
    torch.testing.assert_close(model.nll(Batch(x), k=1), -marginal.log_prob(x.flatten(1)), atol=1e-4, rtol=1e-4)
    bound = model(Batch(x), k=20000, noise=Noise(seed=0))
    torch.testing.assert_close(bound.elbo, marginal.log_prob(x.flatten(1)), atol=0.05, rtol=0)


def test_uniform_noise_is_uniform_and_follows_its_seed() -> None:
    drawn = Noise(seed=0).uniform((1, 20000), torch.zeros(()))
    assert float(drawn.min()) > 0 and float(drawn.max()) < 1
    assert abs(float(drawn.mean()) - 0.5) < 0.01 and abs(float(drawn.var()) - 1 / 12) < 0.003
    assert torch.equal(drawn, Noise(seed=0).uniform((1, 20000), torch.zeros(())))
    assert torch.equal(Noise(temperature=0).uniform((1, 3), torch.zeros(())), torch.full((1, 3), 0.5))


class TestFullGaussian(ModelContract):
    model = "full-gaussian-vae"
