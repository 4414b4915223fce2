"""Likelihoods against torch.distributions; what the head makes, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, distributions

from vaezoo.core import Bernoulli, Gaussian, Laplace, Likelihood, LikelihoodHead, OptimalGaussian
from vaezoo.errors import ConfigError, ShapeError

K, B, SHAPE = 3, 2, (2, 4, 5)
X = torch.rand(B, *SHAPE, generator=torch.Generator().manual_seed(0))
IMAGE = torch.rand(K * B, *SHAPE, generator=torch.Generator().manual_seed(1))
WIDTH = torch.randn(K * B, *SHAPE, generator=torch.Generator().manual_seed(2)) - 2


def summed(log_prob: Tensor) -> Tensor:
    """Returns per-pixel nats of (K, B, C, H, W) as (K, B)."""
    return log_prob.flatten(2).sum(2)


def rows(tensor: Tensor) -> Tensor:
    return tensor.view(K, B, *SHAPE)


def test_bernoulli() -> None:
    x = X.round()
    expected = distributions.Bernoulli(logits=rows(IMAGE)).log_prob(x.expand(K, B, *SHAPE))
    torch.testing.assert_close(Bernoulli(IMAGE).log_prob(x), summed(expected))


def test_bernoulli_of_gray_pixels_is_the_mean_over_binarisations() -> None:
    x = torch.full((1, 1, 1, 1), 0.3)
    belief = Bernoulli(torch.tensor([[[[0.7]]]]))
    one, zero = (float(belief.log_prob(torch.full_like(x, v))) for v in (1.0, 0.0))
    assert float(belief.log_prob(x)) == pytest.approx(0.3 * one + 0.7 * zero, rel=1e-5)


@pytest.mark.parametrize("logvar", [WIDTH, torch.tensor(-3.0)])
def test_gaussian(logvar: Tensor) -> None:
    scale = torch.exp(0.5 * logvar).expand_as(IMAGE)
    expected = distributions.Normal(rows(IMAGE), rows(scale)).log_prob(X)
    torch.testing.assert_close(Gaussian(IMAGE, logvar).log_prob(X), summed(expected))
    torch.testing.assert_close(Gaussian(IMAGE, logvar).scale, scale)


@pytest.mark.parametrize("log_b", [WIDTH, torch.tensor(-2.0)])
def test_laplace(log_b: Tensor) -> None:
    reference = distributions.Laplace(rows(IMAGE), rows(log_b.exp().expand_as(IMAGE)))
    torch.testing.assert_close(Laplace(IMAGE, log_b).log_prob(X), summed(reference.log_prob(X)))
    torch.testing.assert_close(rows(Laplace(IMAGE, log_b).scale), reference.stddev)


def test_optimal_gaussian_is_the_best_of_all_widths() -> None:
    best = OptimalGaussian(IMAGE).log_prob(X)
    variance = ((X - rows(IMAGE)) ** 2).flatten(2).mean(2)
    expected = distributions.Normal(rows(IMAGE), variance.sqrt()[..., None, None, None]).log_prob(X)
    torch.testing.assert_close(best, summed(expected))
    for factor in (0.9, 1.1):
        logvar = (factor * variance).log().flatten()[:, None, None, None]
        assert (Gaussian(IMAGE, logvar).log_prob(X) < best).all()
    assert OptimalGaussian(X.repeat(K, 1, 1, 1)).log_prob(X).isfinite().all()


EACH = [Bernoulli(IMAGE), Gaussian(IMAGE, WIDTH), OptimalGaussian(IMAGE), Laplace(IMAGE, torch.tensor(-2.0))]


@pytest.mark.parametrize("likelihood", EACH, ids=lambda belief: type(belief).__name__)
def test_a_near_target_beats_a_far_one(likelihood: Likelihood) -> None:
    near = likelihood.image[:B]
    assert (likelihood.log_prob(near)[0] > likelihood.log_prob(1 - near)[0]).all()


@pytest.mark.parametrize("likelihood", EACH, ids=lambda belief: type(belief).__name__)
def test_crop_keeps_the_top_left(likelihood: Likelihood) -> None:
    cropped = likelihood.crop((2, 3))
    torch.testing.assert_close(cropped.image, likelihood.image[..., :2, :3])  # sigmoid's last bit hangs on the layout
    assert cropped.log_prob(X[..., :2, :3]).shape == (K, B)


@pytest.mark.parametrize("x", [X[:, :1], X[..., :3], torch.rand(4, *SHAPE)])
def test_a_target_of_another_shape_is_refused(x: Tensor) -> None:
    with pytest.raises(ShapeError, match="fits a likelihood of"):
        Gaussian(IMAGE, WIDTH).log_prob(x)


@pytest.mark.parametrize(
    ("kind", "scale", "made", "outputs"),
    [
        ("bernoulli", "learned", Bernoulli, 2),
        ("gaussian", "learned", Gaussian, 2),
        ("gaussian", "pixel", Gaussian, 4),
        ("gaussian", "optimal", OptimalGaussian, 2),
        ("laplace", 0.2, Laplace, 2),
    ],
)
def test_head(kind: str, scale: float | str, made: type, outputs: int) -> None:
    head = LikelihoodHead(kind, 2, scale)
    likelihood = head(torch.randn(2, head.outputs, 4, 5))
    assert head.outputs == outputs and isinstance(likelihood, made) and likelihood.image.shape == (2, 2, 4, 5)


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
def test_a_fixed_scale_is_the_standard_deviation(kind: str) -> None:
    likelihood = LikelihoodHead(kind, 1, 0.25)(torch.randn(2, 1, 3, 3))
    torch.testing.assert_close(likelihood.scale, torch.full((2, 1, 3, 3), 0.25))


def test_a_base_is_corrected() -> None:
    base = torch.rand(1, 1, 2, 2)
    assert torch.equal(LikelihoodHead("gaussian", 1, 0.1)(torch.zeros(1, 1, 2, 2), base).image, base)


@pytest.mark.parametrize(
    ("kind", "scale", "message"),
    [
        ("gausian", "learned", "Expected a likelihood, got 'gausian'. Did you mean 'gaussian'"),
        ("laplace", "optimal", "Expected a scale for a laplace likelihood, a number or a word, got 'optimal'."),
        ("gaussian", "pixels", "Did you mean 'pixel'?"),
        ("gaussian", 0.0, "Expected a positive scale, got 0.0."),
        ("gaussian", math.nan, "Expected a positive scale, got nan."),
    ],
)
def test_head_refuses(kind: str, scale: float | str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LikelihoodHead(kind, 1, scale)
    assert message in str(caught.value)
