"""Degradations: the benchmark's noise bit by bit, and JPEG against a file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from vaezoo.errors import ConfigError, ImageError, ShapeError
from vaezoo.image import gaussian_noise, jpeg, psnr_db
from vaezoo.image.damage.degradations import darken, low_light
from vaezoo.image.damage.light import to_linear

CAT = torch.from_numpy(data.chelsea()[:64, 100:180].transpose(2, 0, 1) / np.float32(255))[None]


def test_noise_is_the_benchmarks() -> None:
    x = torch.full((1, 1, 3, 4), 0.5)
    expected = 0.5 + np.random.RandomState(7).randn(1, 1, 3, 4).astype(np.float32) * (25 / 255)
    assert torch.equal(gaussian_noise(x, 25, seed=7), torch.from_numpy(expected.astype(np.float32)))


def test_noise_is_not_clipped_and_has_its_sigma() -> None:
    y = gaussian_noise(torch.zeros(1, 1, 400, 400), 50, seed=0)
    assert y.min() < 0 and y.std().item() * 255 == pytest.approx(50, rel=0.01)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_better_at_higher_quality(channels: int) -> None:
    x = CAT[:, :channels]
    scores = [psnr_db(jpeg(x, quality), x).item() for quality in (5, 30, 95)]
    assert scores == sorted(scores) and scores[0] > 15 and scores[2] > 33
    assert jpeg(x, 30).shape == x.shape and torch.equal(jpeg(x, 30) * 255, (jpeg(x, 30) * 255).round())


def test_jpeg_refuses_misuse() -> None:
    with pytest.raises(ImageError, match="Quality is 1 to 100, not 0"):
        jpeg(CAT, 0)
    with pytest.raises(ShapeError, match=r"Expected \(1, C, H, W\) with C 1 or 3, got \(3, 64, 80\)"):
        jpeg(CAT[0], 30)


@pytest.mark.parametrize("light", [0.05, 0.2, 1.0])
def test_less_light_has_the_mean_and_the_variance_of_counted_photons(light: float) -> None:
    for value in (0.3, 0.8):
        x = torch.full((1, 3, 256, 256), value)
        left = light * to_linear(torch.tensor(value)).item()
        slope = 1.055 / 2.4 * left ** (1 / 2.4 - 1) if left > 0.0031308 else 12.92
        y = low_light(x, light, seed=3)
        assert torch.equal(y * 255, (y * 255).round()) and y.min() >= 0 and y.max() <= 1
        assert to_linear(y).mean().item() == pytest.approx(left, rel=0.02)
        deviation = slope * (left / 4000 + (3 / 4000) ** 2) ** 0.5
        assert y.std().item() == pytest.approx((deviation**2 + 1 / 255**2 / 12) ** 0.5, rel=0.05)
    assert torch.equal(low_light(x, light, 3), y) and not torch.equal(low_light(x, light, 4), y)


def test_without_noise_less_light_is_a_factor() -> None:
    x = torch.linspace(0, 1, 256).expand(1, 3, 2, -1)
    y = darken(x, 0.25, torch.zeros_like(x))
    torch.testing.assert_close(to_linear(y), 0.25 * to_linear(x), rtol=0, atol=0.5 * 2.3 / 255)


@pytest.mark.parametrize("light", [0, -1, 1.5, float("nan")])
def test_a_share_of_the_light_is_between_none_and_all(light: float) -> None:
    with pytest.raises(ConfigError, match="a share of the light above 0 and at most 1, got"):
        low_light(torch.zeros(1, 3, 4, 4), light, 0)
