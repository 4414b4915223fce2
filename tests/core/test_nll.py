"""The bounds of a linear-Gaussian VAE against its exact evidence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Noise

from .toy import SIZE, evidence, linear_vae

REPEATS = 256


def images() -> tuple[Tensor, Tensor]:
    """Returns one image REPEATS times, so that the spread of an estimate shows, and its exact −log p(x)."""
    torch.manual_seed(5)
    x = evidence().sample((1,)).clamp(-1, 1)
    return x.view(1, 1, *SIZE).repeat(REPEATS, 1, 1, 1), -evidence().log_prob(x)


def estimate(model: VAE, k: int) -> tuple[float, float]:
    """Returns the mean of independent estimates and its standard error."""
    nll = model.nll(Batch(images()[0]), k, chunk=100, noise=Noise(seed=k))
    return float(nll.mean()), float(nll.std() / REPEATS**0.5)


@pytest.mark.parametrize("k", [1, 10, 1000])
def test_the_exact_posterior_gives_the_exact_answer(k: int) -> None:
    mean, error = estimate(linear_vae(), k)
    assert mean == pytest.approx(float(images()[1]), abs=5 * error + 1e-4)


def test_a_worse_posterior_is_unbiased_in_the_weight() -> None:
    """E[w] = p(x) for any posterior wide enough: the mean of exp(−nll) at K = 1 over many draws."""
    model, (x, exact) = linear_vae(shift=0.1, widen=1.3), images()
    ratio = torch.cat([torch.exp(exact - model.nll(Batch(x), 1, noise=Noise(seed=i))) for i in range(40)])
    assert float(ratio.mean()) == pytest.approx(1, abs=5 * float(ratio.std()) / len(ratio) ** 0.5)


def test_a_worse_posterior_is_tight_only_with_many_samples() -> None:
    model, exact = linear_vae(shift=0.2, widen=1.5), float(images()[1])
    (one, error), (ten, _), (many, last) = (estimate(model, k) for k in (1, 10, 1000))
    assert one > ten > many
    assert one > exact + 5 * error
    assert many == pytest.approx(exact, abs=5 * last + 2e-3)


def test_one_sample_is_the_elbo() -> None:
    model, (x, exact) = linear_vae(shift=0.2, widen=1.5), images()
    bound = model(Batch(x), k=50, noise=Noise(seed=0))
    mean, error = estimate(model, 1)
    assert mean == pytest.approx(-float(bound.elbo.detach().mean()), abs=6 * error)
    assert bound.elbo.detach().mean() < -exact


def test_the_elbo_of_the_exact_posterior_is_the_evidence() -> None:
    """The distortion's sign and constant, and the rate, are each right."""
    model, (x, exact) = linear_vae(), images()
    bound = model(Batch(x), k=200, noise=Noise(seed=0))
    error = 5 * float(bound.log_likelihood.detach().std()) / (200 * REPEATS) ** 0.5
    assert float(bound.elbo.detach().mean()) == pytest.approx(-float(exact), abs=error)
    torch.testing.assert_close(bound.elbo, bound.log_likelihood.mean(0) - bound.rate)


def test_chunks_do_not_change_the_result() -> None:
    model, (x, _) = linear_vae(widen=1.5), images()
    one, many = (model.nll(Batch(x), 30, chunk=chunk, noise=Noise(seed=0)) for chunk in (30, 7))
    torch.testing.assert_close(one, many)
