"""Lighting dark photos: one exposure a picture, its ambiguity in the sd, and noise as the curve makes it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor
from vaezoo_lowlight import lowlight
from vaezoo_lowlight.lowlight import Lowlight

from vaezoo import create
from vaezoo.core import Batch, Noise
from vaezoo.errors import ConfigError, ShapeError
from vaezoo.image import psnr_db
from vaezoo.image.damage.degradations import low_light
from vaezoo.image.damage.light import from_linear, to_linear
from vaezoo.restore import Restorer, enhance

from .fakes import Brightener, Copier


def scene(height: int = 60, width: int = 84, channels: int = 3) -> Tensor:
    """Smooth, light at the right."""
    rows, columns = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 1, width), indexing="ij")
    return torch.stack([0.1 + 0.7 * columns + 0.1 * (rows * (c + 1)).sin() for c in range(channels)])[None]


def curve(y: Tensor, gain: Tensor) -> Tensor:
    """What :class:`Brightener` does."""
    return from_linear(gain * to_linear(y)).clamp(0, 1)


@pytest.fixture
def denoiser(monkeypatch: pytest.MonkeyPatch) -> Copier:
    """Stands in for the zoo's; remembers the noise it was told."""
    model = Copier()
    monkeypatch.setattr(lowlight, "_denoiser", lambda: model)
    return model


def test_every_tile_is_told_the_whole_and_all_have_one_exposure() -> None:
    y = low_light(scene(150, 210), 0.2, 0)
    task = Lowlight(denoise=False)
    whole, tiled = task.restore(Restorer(Brightener()), y), task.restore(Restorer(model := Brightener(), tile=64), y)
    assert len(model.told) > 6 and all(torch.equal(told, model.told[0]) for told in model.told)
    torch.testing.assert_close(tiled.image, whole.image, rtol=0, atol=1e-6)
    torch.testing.assert_close(tiled.scale, whole.scale, rtol=0, atol=1e-6)


def test_the_slope_of_the_curve_is_looked_for_in_one_view() -> None:
    calls = {}
    for ensemble in (False, True):
        model = Brightener()
        Lowlight(denoise=False).restore(Restorer(model, self_ensemble=ensemble), low_light(scene(), 0.2, 0))
        calls[ensemble] = len(model.told)
    assert calls[True] == calls[False] + 7  # the exposure alone has eight


def test_a_real_model_in_tiles_is_the_whole() -> None:
    y = low_light(scene(90, 130), 0.1, 1)
    model = create("lowlight", seed=0)
    whole, tiled = (Lowlight(denoise=False).restore(Restorer(model, samples=4, tile=tile), y) for tile in (None, 48))
    for name in ("image", "scale", "average", "spread"):
        torch.testing.assert_close(getattr(tiled, name), getattr(whole, name), rtol=0, atol=1e-5)


def test_the_deviation_has_the_exposures_in_it() -> None:
    """√(0.03² + the samples'² + the noise's²), by hand, of a picture that is said to have none."""
    y = 0.06 + 0.3 * scene()
    result = Lowlight(denoise=False, sigma=0).restore(Restorer(Brightener()), y)
    gain = 0.2 / to_linear(torch.nn.functional.adaptive_avg_pool2d(y, lowlight.SIDE)).mean()
    low, high = (from_linear(f * gain * to_linear(y)).clamp(0, 1) for f in (0.5, 2.0))
    torch.testing.assert_close(result.scale, (0.03**2 + ((high - low) / 2) ** 2).sqrt())
    assert result.average is None and result.spread is None
    noisy = Lowlight(denoise=False, sigma=2).restore(Restorer(Brightener()), y)
    slope = (curve(y + 1e-3, gain) - curve(y - 1e-3, gain)) / 2e-3
    assert noisy.scale is not None and result.scale is not None
    added = (noisy.scale**2 - result.scale**2).sqrt()
    torch.testing.assert_close(
        added, (2 / 255 * slope.square().mean(1, keepdim=True).sqrt()).expand_as(y), rtol=0.02, atol=1e-3
    )
    asked = Lowlight(denoise=False).restore(Restorer(Brightener(), samples=2), y)
    torch.testing.assert_close(asked.average, (low + high) / 2)
    torch.testing.assert_close(asked.spread, (high - low) / 2)


def test_the_denoiser_is_told_the_noise_times_the_slope_of_the_curve(denoiser: Copier) -> None:
    y = 0.06 + 0.3 * scene()
    restorer = Restorer(Brightener(), samples=2)
    result = Lowlight(sigma=2.55).restore(restorer, y)
    gain = 0.2 / to_linear(torch.nn.functional.adaptive_avg_pool2d(y, lowlight.SIDE)).mean()
    seen = y.clone().requires_grad_()
    from_linear(gain * to_linear(seen)).clamp(0, 1).sum().backward()
    assert seen.grad is not None and len(denoiser.told) == 2  # of the image, and of the mean of the samples
    expected = 0.01 * seen.grad.square().mean(1, keepdim=True).sqrt()
    torch.testing.assert_close(denoiser.told[0], expected, rtol=0.01, atol=1e-5)
    assert result.facts["noise_levels"] == 2.55
    light = to_linear(result.image).mean() / to_linear(y).mean()
    assert result.facts["gain"] == pytest.approx(light.item(), abs=0.01)


def test_the_noise_of_the_dark_picture_is_estimated(denoiser: Copier) -> None:
    x = torch.full((1, 3, 96, 96), 0.5)
    y = low_light(x, 0.2, 0)
    found = Lowlight().restore(Restorer(Brightener()), y).facts["noise_levels"]
    assert found == pytest.approx(255 * y.std().item(), rel=0.1)


def test_the_trained_model_lights_a_dark_picture_gray_ones_too() -> None:
    x = scene(96, 128)
    for part in (x, x[:, :1]):
        y = low_light(part, 0.15, 0)
        array = y[0].permute(1, 2, 0).numpy()
        result = enhance(array, task="lowlight")
        image = torch.from_numpy(result.image).permute(2, 0, 1)[None]
        assert psnr_db(image, part).item() > psnr_db(y, part).item() + 6
        assert result.facts["gain"] > 2 and result.uncertainty is not None and result.image.shape == array.shape
    half = enhance(array, model="lowlight", strength=0.5).image
    torch.testing.assert_close(torch.from_numpy(half), (y[0].permute(1, 2, 0) + result.image) / 2, rtol=0, atol=1e-5)


@torch.no_grad()
def test_who_sees_the_target_knows_the_exposure_better_than_who_guesses_it() -> None:
    """By the weights that ship, in seven shares of the light: the posterior beats the centre, that beats samples."""
    model = create("lowlight", pretrained=True).eval()
    x = torch.from_numpy(data.chelsea().transpose(2, 0, 1) / np.float32(255))[None].expand(7, -1, -1, -1)
    shares = np.geomspace(0.06, 0.45, 7)
    y = torch.cat([low_light(row[None], float(share), i) for i, (row, share) in enumerate(zip(x, shares, strict=True))])
    bound = model(Batch(y, x), noise=Noise(seed=0))
    context = model.context(y)
    images = [
        bound.likelihood.image,
        model.path(context, noise=Noise(temperature=0))[1].image,
        model.path(context, noise=Noise(seed=1))[1].image,
    ]
    posterior, centre, sample = (float((image.clamp(0, 1) - x).square().mean()) for image in images)
    assert posterior < 0.5 * centre and centre < sample
    assert (bound.rate > 2).all()


@pytest.mark.parametrize("sigma", [-1, float("nan"), float("inf"), "2"])
def test_a_noise_level_below_zero_is_refused(sigma: float) -> None:
    with pytest.raises(ShapeError, match="noise level of at least 0, in grey levels, got"):
        Lowlight(sigma=sigma)


def test_a_model_that_sees_tiles_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"thumbnail of the whole image, but this one takes sigma\. Use the model"):
        enhance(np.zeros((8, 8, 3), np.float32), task="lowlight", model=Copier())
    with pytest.raises(ConfigError, match="Strength is 0 to 1 for the task 'lowlight', not 2"):
        enhance(np.zeros((8, 8, 3), np.float32), task="lowlight", model=Brightener(), strength=2)
