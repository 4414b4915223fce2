"""The contract of the exposure's parts; their oracles: the division by the light that was left, tiles, and the order
of what knows more."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from vaezoo_exposure.curve import TOP, ToneCurve, ToneCurveDecoder
from vaezoo_exposure.networks import BINS, MEAN_LIGHT, ThumbnailConditioner, ThumbnailEncoder, histogram

from vaezoo import create
from vaezoo.core import VAE, Batch, Context, Noise
from vaezoo.core.losses.restoration import RestorationLoss
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError
from vaezoo.image.damage.degradations import low_light
from vaezoo.image.damage.light import from_linear, to_linear
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_exposure"


class TestModel(ModelContract):
    model = "lowlight"


def scenes(count: int, seed: int = 0) -> Tensor:
    """Smooth pictures (count, 3, 32, 32), some lighter than others."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    light = torch.empty(count, 1, 1, 1).uniform_(-2.0, 0.0, generator=generator).exp()
    x = F.interpolate(coarse, (32, 32), mode="bicubic", align_corners=True).clamp(0, 1)
    return from_linear(light * to_linear(x))


def dark(x: Tensor, seed: int = 0) -> Tensor:
    """Each with its own share of the light."""
    shares = np.exp(np.random.default_rng(seed).uniform(np.log(0.05), np.log(0.5), len(x)))
    return torch.cat([low_light(image[None], float(s), i) for i, (image, s) in enumerate(zip(x, shares, strict=True))])


def wild() -> Iterator[ToneCurve]:
    """Curves of networks that say anything."""
    for knots in (1, 7, 24):
        yield ToneCurve(3, knots)


@torch.no_grad()
def test_the_curve_is_monotone_whatever_the_network_says() -> None:
    levels = torch.linspace(0, 1, 1025).expand(8, 3, 1, -1)
    for curve in wild():
        raw = 5 * torch.randn(8, curve.outputs, generator=torch.Generator().manual_seed(0))
        image, logvar = curve(levels, raw, torch.full((8, 1), -3.0))
        assert (image.diff(dim=-1) >= 0).all() and (image[..., -1] > image[..., 0]).all()
        assert (image[..., 0] == 0).all() and logvar.shape == image.shape and logvar.isfinite().all()


@torch.no_grad()
def test_a_network_that_says_nothing_leaves_a_division_by_the_mean_light() -> None:
    curve, reference = ToneCurve(3, 24), torch.tensor([[-3.0]])
    y = torch.rand(1, 3, 9, 7)
    image, _ = curve(y, torch.zeros(1, curve.outputs), reference)
    gain = torch.exp(2 + 3 * torch.tanh((torch.log(torch.tensor(MEAN_LIGHT)) + 3 - 2) / 3))  # softly in (−1, 5)
    lifted = from_linear(gain * to_linear(y))
    torch.testing.assert_close(image[lifted < 1], lifted[lifted < 1], rtol=1e-4, atol=1e-5)
    assert (image[lifted >= 1] >= 1).all() and image.max() <= 1 + 0.05 * (TOP - 1) + 1e-6


@torch.no_grad()
def test_a_part_is_lit_as_the_whole_is() -> None:
    model = create("lowlight", seed=0).eval()
    y = dark(scenes(1))
    whole = model.restore(y, samples=3, noise=Noise(seed=0))
    part = model.restore(y[..., 5:20, 9:30], {"whole": y}, samples=3, noise=Noise(seed=0))
    for name in ("image", "scale", "average", "spread"):
        torch.testing.assert_close(getattr(part, name), getattr(whole, name)[..., 5:20, 9:30], rtol=0, atol=1e-6)
    alone = model.restore(y[..., 5:20, 9:30])
    assert (alone.image - part.image).abs().max() > 0.01  # or the test would show nothing


@torch.no_grad()
def test_how_dark_it_is_shows_in_the_last_component_alone() -> None:
    conditioner = create("lowlight", seed=0).eval().conditioner
    assert isinstance(conditioner, ThumbnailConditioner)
    x = 0.2 + 0.6 * scenes(3)
    one, other = (conditioner(from_linear(s * to_linear(x)), {}).vector for s in (0.5, 0.25))
    assert one is not None and other is not None
    torch.testing.assert_close(one[:, -1] - other[:, -1], torch.full((3,), np.log(2.0)).float(), rtol=0, atol=5e-3)
    first = conditioner.join[0]
    assert isinstance(first, torch.nn.Linear)
    first.weight[:, -1] = 0  # what the other components are told of it beside the picture itself
    one, other = (conditioner(from_linear(s * to_linear(x)), {}).vector for s in (0.5, 0.25))
    assert one is not None and other is not None
    torch.testing.assert_close(one[:, :-1], other[:, :-1], rtol=0, atol=5e-3)


def test_a_histogram_counts() -> None:
    values = torch.tensor([[-9.0, -4.0, 3.0, 9.0]])
    counted = histogram(values)
    assert counted.shape == (1, BINS) and counted.sum().item() == pytest.approx(1)
    assert counted[0, 0].item() == counted[0, -1].item() == pytest.approx(0.5)


def test_the_posterior_knows_the_exposure_better_than_the_prior_does() -> None:
    """Trained for a moment on toys: light that the picture does not tell, the posterior finds in the target."""
    torch.manual_seed(0)
    model = create("lowlight", seed=0).train()
    loss = RestorationLoss(scale_weight=0, bound_weight=1)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(200):
        x = scenes(16, seed=step)
        optimiser.zero_grad()
        loss(model, Batch(dark(x, seed=step), x), step).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    model.eval()
    x = scenes(64, seed=1000)
    y = dark(x, seed=1000)
    with torch.no_grad():
        errors = _errors(model, x, y)
    assert errors["posterior"] < 0.5 * errors["centre"] and errors["centre"] < errors["sample"]
    assert errors["rate"] > 1


def _errors(model: VAE, x: Tensor, y: Tensor) -> dict[str, float]:
    """Returns mean squared errors of the posterior, of the prior's centre and of samples of it; and the rate."""
    bound = model(Batch(y, x), noise=Noise(seed=0))
    context = model.context(y)
    images = {
        "posterior": bound.likelihood.image,
        "centre": model.path(context, noise=Noise(temperature=0))[1].image,
        "sample": model.path(context, noise=Noise(seed=1))[1].image,
    }
    return {name: (image - x).square().mean().item() for name, image in images.items()} | {
        "rate": bound.rate.mean().item()
    }


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"context_vector of at least 2, the last for the image's light, got 1"):
        create("lowlight", context_vector=1)
    with pytest.raises(ConfigError, match=r"Expected knots as 1 or more numbers of at least 1, got \[0\]"):
        create("lowlight", decoder={"knots": 0})
    model, y = create("lowlight", seed=0).eval(), torch.rand(2, 3, 8, 8)
    for whole in (y[:1], y[:, :1], y[0], y.long()):
        with pytest.raises(ShapeError, match=r"Expected whole as floats \(2, 3, h, w\), got torch"):
            model.conditioner(y, {"whole": whole})
    decoder, encoder = model.decoder, model.encoder
    assert isinstance(decoder, ToneCurveDecoder) and isinstance(encoder, ThumbnailEncoder)
    with pytest.raises(IncompatibleParts, match="needs an image and a vector, but the context holds neither"):
        decoder(torch.zeros(2, 4), Context(2, (8, 8)))
    with pytest.raises(IncompatibleParts, match="but the context holds image"):
        decoder(torch.zeros(2, 4), Context(2, (8, 8), image=y))
    with pytest.raises(IncompatibleParts, match="ThumbnailEncoder needs a vector, but the context holds none"):
        encoder(y, Context(2, (8, 8), image=y))
    with pytest.raises(IncompatibleParts, match="needs the degraded image, but without a conditioner"):
        create("lowlight", conditioner=None, encodes="input", loss="elbo", prior={"name": "normal"})
