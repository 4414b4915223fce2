"""Continuous Bernoulli, Student's t and the mixture over levels: against torch, their sums, moments and extremes."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, distributions

from vaezoo.core import ContinuousBernoulli, Likelihood, LikelihoodHead, LogisticMixture, StudentT
from vaezoo.errors import ConfigError, ShapeError

K, B, SHAPE = 3, 2, (2, 4, 5)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X = torch.rand(B, *SHAPE, generator=torch.Generator().manual_seed(0))
LOGITS = 3 * drawn(1, K * B, *SHAPE)
LOCATION, WIDTH = drawn(2, K * B, *SHAPE), 0.3 * drawn(3, K * B, *SHAPE) - 2
MIXTURE = LogisticMixture(drawn(4, K * B, 3, 4, 5), drawn(5, K * B, 3, *SHAPE), drawn(6, K * B, 3, *SHAPE) - 3)


def summed(log_prob: Tensor) -> Tensor:
    """Returns nats of (K·B, C, H, W) as (K, B)."""
    return log_prob.flatten(1).sum(1).view(K, B)


def wide(x: Tensor) -> Tensor:
    return x.repeat(K, 1, 1, 1)


def test_continuous_bernoulli_is_torchs() -> None:
    reference = distributions.ContinuousBernoulli(logits=LOGITS.double(), lims=(0.499999, 0.500001))
    belief = ContinuousBernoulli(LOGITS)
    torch.testing.assert_close(belief.log_prob(X), summed(reference.log_prob(wide(X).double())).float())
    torch.testing.assert_close(belief.image, reference.mean.float(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(belief.scale, reference.stddev.float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("logit", [0.0, 1e-6, 0.0999, 0.1001, 0.2999, 0.3001, 0.4999, 0.5001, 2.0, 12.0, -40.0])
def test_continuous_bernoulli_integrates_to_one_at_every_seam(logit: float) -> None:
    """Nodes of Gauss and Legendre in double precision; also mean and variance, which the series must meet."""
    import numpy as np

    nodes, weights = (torch.from_numpy(each) for each in np.polynomial.legendre.leggauss(200))
    x = (nodes + 1) / 2
    belief = ContinuousBernoulli(torch.full((1, 1, 1, 1), logit))
    at_zero = belief.log_prob(torch.zeros(1, 1, 1, 1)).double().item()
    density = weights / 2 * torch.exp(at_zero + logit * x)
    mean = float((density * x).sum())
    assert float(density.sum()) == pytest.approx(1, abs=2e-5)
    assert float(belief.image) == pytest.approx(mean, rel=3e-5)
    assert float(belief.scale) == pytest.approx(float((density * (x - mean) ** 2).sum()) ** 0.5, rel=2e-4)


@pytest.mark.parametrize("nu", [1.0, 4.0, 19.9, 20.1, 300.0])
def test_student_is_torchs(nu: float) -> None:
    reference = distributions.StudentT(torch.tensor(nu).double(), LOCATION.double(), WIDTH.exp().double())
    belief = StudentT(LOCATION, WIDTH, torch.tensor(nu))
    expected = summed(reference.log_prob(wide(X).double())).float()
    torch.testing.assert_close(belief.log_prob(X), expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(belief.scale, reference.variance.sqrt().float().nan_to_num(torch.inf), rtol=1e-4, atol=0)


def test_a_student_of_many_degrees_is_a_gaussian() -> None:
    gaussian = summed(distributions.Normal(LOCATION, WIDTH.exp()).log_prob(wide(X)))
    torch.testing.assert_close(StudentT(LOCATION, WIDTH, torch.tensor(1e7)).log_prob(X), gaussian, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("scale", [0.25, "learned", "pixel"])
def test_a_students_scale_is_the_standard_deviation(scale: float | str) -> None:
    head = LikelihoodHead("student-t(nu=3)", 1, scale)
    belief = head(torch.zeros(1, head.outputs, 2, 2))
    gaussian = LikelihoodHead("gaussian", 1, scale)
    expected = gaussian(torch.zeros(1, gaussian.outputs, 2, 2)).scale
    torch.testing.assert_close(belief.scale, expected, rtol=1e-4, atol=0)


def test_levels_of_a_gray_pixel_sum_to_one() -> None:
    for log_s in (-7.0, -3.0, 0.0):
        mean = torch.tensor([-0.3, 0.5, 1.02]).view(1, 3, 1, 1, 1)
        belief = LogisticMixture(drawn(0, 1, 3, 1, 1), mean, torch.full_like(mean, log_s))
        x = (torch.arange(256) / 255).view(256, 1, 1, 1)
        one = LogisticMixture(*(t.expand(256, *t.shape[1:]) for t in (belief.logits, belief.mean, belief.log_s)))
        log_mass = one.log_prob(x)[0]
        assert (log_mass <= 0).all()
        assert float(log_mass.double().exp().sum()) == pytest.approx(1, abs=2e-6)


def test_levels_of_a_coloured_pixel_sum_to_one_jointly_but_not_apart() -> None:
    """With four levels all 64 colours can be asked; the shared component makes channels dependent."""
    mean = torch.tensor([[0.1, 0.1, 0.9], [0.9, 0.8, 0.1]]).view(1, 2, 3, 1, 1)
    colours = torch.tensor(list(product(range(4), repeat=3))).view(64, 3, 1, 1) / 3
    parts = (torch.zeros(1, 2, 1, 1), mean, torch.full_like(mean, -3.0))
    belief = LogisticMixture(*(t.expand(64, *t.shape[1:]) for t in parts), 4)
    mass = belief.log_prob(colours)[0].double().exp()
    assert float(mass.sum()) == pytest.approx(1, abs=1e-6)
    joint = mass.view(4, 4, 4)
    independent = torch.einsum("a,b,c->abc", joint.sum((1, 2)), joint.sum((0, 2)), joint.sum((0, 1)))
    assert (joint - independent).abs().max() > 0.1


def test_levels_are_the_difference_of_torchs_cdf_and_have_its_mean() -> None:
    """A logistic is a transformed uniform: in double precision its bins, and the mean over levels, are plain sums."""
    logits, mean, log_s = drawn(4, 1, 3, 1, 1), torch.rand(1, 3, 1, 1, 1), drawn(6, 1, 3, 1, 1, 1) - 3
    logits, mean, log_s = (t.double() for t in (logits, mean, log_s))
    logistic = distributions.TransformedDistribution(
        distributions.Uniform(torch.zeros(()).double(), 1),
        [distributions.SigmoidTransform().inv, distributions.AffineTransform(mean, log_s.exp())],
    )
    edges = (torch.arange(255, dtype=torch.float64) + 0.5) / 255
    cdf = torch.stack([logistic.cdf(e.view(1, 1, 1, 1, 1)).flatten() for e in edges])
    cdf = torch.cat([torch.zeros(1, 3), cdf, torch.ones(1, 3)]).double()
    mass = ((cdf[1:] - cdf[:-1]) * torch.softmax(logits.flatten(), 0)).sum(1)
    belief = LogisticMixture(*(t.float().expand(256, *t.shape[1:]) for t in (logits, mean, log_s)))
    levels = torch.arange(256) / 255
    torch.testing.assert_close(belief.log_prob(levels.view(256, 1, 1, 1))[0].exp().double(), mass, rtol=1e-3, atol=1e-7)
    average = float((mass * levels).sum())
    assert float(belief.image[0]) == pytest.approx(average, abs=0.5 / 255)
    assert float(belief.scale[0]) >= float((mass * (levels - average) ** 2).sum()) ** 0.5 - 1e-4


def test_a_mixtures_standard_deviation_is_that_of_draws() -> None:
    mean = torch.tensor([0.45, 0.55]).view(1, 2, 1, 1, 1)
    belief = LogisticMixture(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1), mean, torch.full_like(mean, -4.5))
    torch.manual_seed(0)
    u = torch.rand(200_000).double()
    which = torch.rand(200_000) < torch.softmax(torch.tensor([0.0, 1.0]), 0)[1]
    draws = torch.where(which, 0.55, 0.45) + 2.718281828**-4.5 * torch.logit(u)
    assert float(belief.scale) == pytest.approx(float(draws.std()), rel=0.01)
    assert float(belief.image) == pytest.approx(float(draws.mean()), abs=1e-3)


EACH = [ContinuousBernoulli(LOGITS), StudentT(LOCATION, WIDTH, torch.tensor(5.0)), MIXTURE]
each = pytest.mark.parametrize("likelihood", EACH, ids=lambda belief: type(belief).__name__)


@each
def test_rows_are_samples_of_images(likelihood: Likelihood) -> None:
    """Row k·B + b meets target b: a target alone has the same nats as among others."""
    whole = likelihood.log_prob(X)
    assert whole.shape == (K, B) and whole.dtype == torch.float32
    for b in range(B):
        fields = [t[b::B] if isinstance(t, Tensor) and t.dim() > 1 else t for t in vars(likelihood).values()]
        torch.testing.assert_close(type(likelihood)(*fields).log_prob(X[b : b + 1])[:, 0], whole[:, b])
    with pytest.raises(ShapeError, match="fits a likelihood of"):
        likelihood.log_prob(X[:, :1])


@each
def test_crop_keeps_the_nats_of_what_is_left(likelihood: Likelihood) -> None:
    left = likelihood.crop((4, 3)).log_prob(X[..., :3])
    right = likelihood.log_prob(X) - left
    assert likelihood.crop((4, 3)).image.shape == (K * B, 2, 4, 3)
    torch.testing.assert_close(likelihood.crop((4, 5)).log_prob(X) - right, left)
    other = X.clone()
    other[..., 3:] = 1 - other[..., 3:]
    torch.testing.assert_close(likelihood.crop((4, 3)).log_prob(other[..., :3]), left)


@pytest.mark.parametrize("kind", ["continuous-bernoulli", "student-t", "logistic-mixture"])
@pytest.mark.parametrize("raw", [0.0, 60.0, -60.0, 1e4, -1e4])
@pytest.mark.parametrize("pixel", [0.0, 1.0, 0.5])
def test_extremes_have_finite_values_and_gradients(kind: str, raw: float, pixel: float) -> None:
    head = LikelihoodHead(kind, 1)
    features = torch.full((1, head.outputs, 2, 2), raw, requires_grad=True)
    belief = head(features)
    value = belief.log_prob(torch.full((1, 1, 2, 2), pixel))
    (value.sum() + belief.image.sum()).backward()
    assert value.isfinite().all() and features.grad is not None and features.grad.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("student-t(nu=2)", "Expected nu as a number above 2, or 'learned', got 2."),
        ("student-t(nu=often)", "Expected nu as a number above 2, or 'learned', got 'often'."),
        ("student-t(4)", "Expected each option of likelihood by name, got 'student-t(4)'. Write student-t"),
        ("student-t(nu=4", "Expected likelihood as NAME or NAME(key=value), got 'student-t(nu=4'."),
        ("student-t(tails=4)", "The likelihood 'student-t' has no option 'tails'. Known: nu."),
        ("gaussian(nu=4)", "The likelihood 'gaussian' has no option 'nu'. None is known."),
        ("logistic-mixture(components=0)", "Expected at least 1 component and 2 levels, got 0 and 256."),
        (
            "nowhere.kinds:Kind",
            "The likelihood 'nowhere.kinds:Kind' needs nowhere.kinds:Kind, which fails with ModuleNotFoundError: No",
        ),
        ("math:pi", "Expected 'math:pi' to be a class that inherits LikelihoodKind."),
    ],
)
def test_what_is_no_kind_is_refused(kind: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LikelihoodHead(kind, 1)
    assert message in str(caught.value)


def test_a_kind_with_a_width_needs_one() -> None:
    form = LikelihoodHead("student-t", 1).form
    with pytest.raises(ConfigError, match="Expected a width for a likelihood that has one, got none"):
        form(torch.zeros(1, 1, 2, 2), None, None)


@pytest.mark.parametrize("kind", ["student-t", "logistic-mixture(components=1)", "gaussian", "log-cosh", "ms-ssim"])
def test_a_base_is_what_zero_features_give(kind: str) -> None:
    base, head = 0.2 + 0.6 * torch.rand(1, 1, 4, 4), LikelihoodHead(kind, 1)
    image = head(torch.zeros(1, head.outputs, 4, 4), base).image
    torch.testing.assert_close(image, base, rtol=0, atol=0.03 if kind.startswith("logistic") else 1e-6)
