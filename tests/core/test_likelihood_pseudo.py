"""Log-cosh, structural similarity and features: known answers, and the refusal of an NLL."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from vaezoo import create
from vaezoo.core import Batch, LikelihoodHead, LogCosh, StructuralSimilarity
from vaezoo.core.likelihood import FixedFeatures, LayerFeatures, Perceptual
from vaezoo.core.likelihood.structure import scales_of, similarity
from vaezoo.errors import ConfigError, NotNormalised
from vaezoo.image.metrics import ssim

K, B = 3, 2
X = torch.rand(B, 3, 32, 32, generator=torch.Generator().manual_seed(0))
IMAGE = (X.repeat(K, 1, 1, 1) + 0.1 * torch.randn(K * B, 3, 32, 32)).clamp(0, 1)


def test_log_cosh_is_its_formula_and_its_limits() -> None:
    error = X.repeat(K, 1, 1, 1) - IMAGE
    expected = -(torch.cosh(10 * error).log() / 10).flatten(1).sum(1).view(K, B)
    torch.testing.assert_close(LogCosh(IMAGE).log_prob(X), expected)
    far = LogCosh(torch.full((1, 1, 1, 1), 1e4)).log_prob(torch.zeros(1, 1, 1, 1))
    assert float(far) == pytest.approx(-1e4, rel=1e-4)
    near = LogCosh(torch.full((1, 1, 1, 1), 1e-2)).log_prob(torch.zeros(1, 1, 1, 1))
    assert float(near) == pytest.approx(-0.5 * 10 * 1e-4, rel=1e-2)


def test_ssim_is_the_houses_metric() -> None:
    """Two pieces of code that share nothing."""
    ours = similarity(X, IMAGE[:B])[0]
    torch.testing.assert_close(ours, ssim(X, IMAGE[:B]).float(), rtol=1e-3, atol=1e-4)
    value = StructuralSimilarity(IMAGE, 2.0, 1).log_prob(X)
    assert value.shape == (K, B)
    torch.testing.assert_close(value[0], 2.0 * 3 * 32 * 32 * (ours - 1), rtol=1e-4, atol=1e-3)


def test_small_pictures_have_fewer_scales() -> None:
    assert [scales_of(side, 200) for side in (5, 21, 22, 28, 43, 44, 88, 176, 500)] == [1, 1, 2, 2, 2, 3, 4, 5, 5]
    assert scales_of(500, 500, 3) == 3


@pytest.mark.parametrize("size", [(5, 3), (1, 1), (28, 28), (64, 48), (180, 180)])
def test_ms_ssim_is_zero_at_the_target_alone(size: tuple[int, int]) -> None:
    x = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(3))
    same = StructuralSimilarity(x).log_prob(x)
    assert float(same) == pytest.approx(0, abs=1e-4 * x.numel())
    values = [float(StructuralSimilarity((x + d).clamp(0, 1)).log_prob(x)) for d in (0.05, 0.2)]
    assert 0 > values[0] > values[1]
    image = (1 - x).requires_grad_()
    StructuralSimilarity(image).log_prob(x).sum().backward()
    assert image.grad is not None and image.grad.isfinite().all()


def test_two_scales_weigh_as_the_paper_says() -> None:
    x, image = X[:, :1], IMAGE[:B, :1]
    fine = similarity(image, x)[1]
    coarse = similarity(*(nn.functional.avg_pool2d(t, 2) for t in (image, x)))[0]
    share = 0.0448 / (0.0448 + 0.2856)
    expected = ((1 + fine) / 2) ** share * ((1 + coarse) / 2) ** (1 - share)
    torch.testing.assert_close(
        StructuralSimilarity(image).log_prob(x)[0], 32 * 32 * (expected - 1), rtol=1e-4, atol=1e-2
    )


def test_features_are_the_same_in_every_build_and_stay() -> None:
    torch.manual_seed(5)
    one, two = FixedFeatures(3), FixedFeatures(3)
    assert all(torch.equal(a, b) for a, b in zip(one(X), two(X), strict=True))
    assert [tuple(f.shape[1:]) for f in one(X)] == [(16, 16, 16), (32, 8, 8), (64, 4, 4)] and not list(one.parameters())


def test_perceptual_is_its_formula() -> None:
    network = FixedFeatures(3)
    belief = Perceptual(IMAGE, network, weight=4.0, pixels=0.5)
    wide = X.repeat(K, 1, 1, 1)
    error = 0.5 * ((IMAGE - wide) ** 2).flatten(1).mean(1)
    for ours, theirs in zip(network(IMAGE), network(wide), strict=True):
        error = error + ((ours - theirs) ** 2).flatten(1).mean(1)
    torch.testing.assert_close(belief.log_prob(X), (-0.5 * 4 * 3 * 32 * 32 * error).view(K, B))


def test_another_models_layers_can_measure() -> None:
    other = create("conv-beta", seed=0)
    layers = LayerFeatures(other.encoder.stages, ["0", "2"], stride=8)
    model = create("conv-beta", seed=1, decoder={"likelihood": "perceptual"})
    model.decoder.head.form.use(layers)
    before = {name: t.clone() for name, t in layers.state_dict().items()}
    x = torch.rand(2, 1, 30, 28)
    bound = model.train()(Batch(x))
    bound.distortion.sum().backward()
    assert all(p.grad is None for p in layers.parameters()) and not layers.training
    assert model.decoder.project.weight.grad.any()
    assert all(torch.equal(t, before[name]) for name, t in layers.state_dict().items())
    twin = copy.deepcopy(model)
    assert twin.decoder.head.form.network is not layers
    assert [tuple(f.shape[1:]) for f in layers(x)] == [(32, 16, 16), (96, 4, 4)]
    with pytest.raises(ConfigError, match="The network has no layer '9'"):
        LayerFeatures(other.encoder.stages, ["9"])


@pytest.mark.parametrize("kind", ["log-cosh", "ssim", "ms-ssim", "perceptual"])
def test_no_nll_of_what_is_no_density(kind: str) -> None:
    model = create("conv-beta", decoder={"likelihood": kind}, seed=0).eval()
    with pytest.raises(NotNormalised, match="is no density of x, so it has no NLL"):
        model.nll(Batch(torch.rand(1, 1, 28, 28)), k=2)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("log-cosh(sharpness=0)", "Expected a sharpness above 0, got 0."),
        ("ssim(weight=0)", "Expected a weight above 0, got 0."),
        ("ms-ssim(scales=6)", "Expected 2 to 5 scales, got 6."),
        ("perceptual(pixels=-1)", "Expected a weight above 0 and pixels of at least 0, got 100.0 and -1."),
    ],
)
def test_options_out_of_range_are_refused(kind: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LikelihoodHead(kind, 1)
    assert message in str(caught.value)
