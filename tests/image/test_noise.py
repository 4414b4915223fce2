"""Estimating noise: white and coarse, luma and colour, against noise that is known."""

from __future__ import annotations

import pytest
import torch

from vaezoo.image.chroma import split_luma
from vaezoo.image.damage.camera import blurred
from vaezoo.image.damage.noise import describe_noise, estimate_noise, is_white, local_level, mean_around


def ramp(side: int = 256) -> torch.Tensor:
    down, right = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    return torch.stack([0.3 + 0.3 * down, 0.4 + 0.2 * right, 0.6 - 0.2 * down * right])[None]


def noise(levels: float, blur: float = 0.0, channels: int = 3, side: int = 256) -> torch.Tensor:
    drawn = blurred(torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(0)), blur)
    return (drawn / drawn.std() * (levels / 255)).expand(1, 3, side, side)


@pytest.mark.parametrize("levels", [3.0, 10.0, 40.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_white_noise_is_found(levels: float, channels: int) -> None:
    found = estimate_noise(ramp() + noise(levels, channels=channels))
    assert found.levels == pytest.approx(levels, rel=0.06)
    assert found.grain_pixels == pytest.approx(1, abs=0.2)
    if channels == 1:
        assert found.chroma_levels < 0.05 * levels


@pytest.mark.parametrize(("blur", "grain"), [(0.8, 2.6), (1.5, 4.2)])
def test_coarse_noise_is_found_too(blur: float, grain: float) -> None:
    added = noise(8.0, blur)
    found, known = estimate_noise(ramp() + added), describe_noise(added)
    assert known.levels == pytest.approx(8, rel=0.01) and known.grain_pixels == pytest.approx(grain, rel=0.15)
    assert 5 < found.levels < 9
    assert found.grain_pixels > 1.5


def test_a_clean_picture_has_next_to_none() -> None:
    assert estimate_noise(ramp()).levels < 0.2


def test_texture_in_half_of_a_picture_is_not_noise() -> None:
    x = ramp()
    x[..., 128:] += 0.2 * torch.rand(1, 3, 256, 128, generator=torch.Generator().manual_seed(1))
    assert estimate_noise(x + noise(4.0)).levels == pytest.approx(4, rel=0.1)


def test_black_and_white_areas_do_not_hide_noise() -> None:
    x = ramp() + noise(6.0)
    x[..., :, :128] = 0
    assert estimate_noise(x.clamp(0, 1)).levels == pytest.approx(6, rel=0.1)
    assert estimate_noise(torch.zeros(1, 3, 64, 64)).levels == 0


def test_small_and_gray_pictures_are_served() -> None:
    assert estimate_noise(ramp(20) + noise(20.0, side=20)).levels == pytest.approx(20, rel=0.25)
    assert estimate_noise(ramp()[:, :1] + noise(10.0)[:, :1]).levels == pytest.approx(10, rel=0.06)
    assert estimate_noise(torch.zeros(1, 1, 1, 1)).levels == 0
    assert describe_noise(torch.zeros(1, 3, 2, 2)).grain_pixels == 1


def test_luma_and_colour_add_up_and_gray_has_no_colour() -> None:
    x = ramp()
    luma, chroma = split_luma(x)
    assert torch.allclose(luma + chroma, x)
    assert torch.allclose(split_luma(luma.expand(1, 3, -1, -1))[1], torch.zeros(1), atol=1e-6)


def test_a_local_level_is_the_one_around() -> None:
    drawn = torch.zeros(1, 3, 100, 100)
    drawn[..., 50:] = noise(10.0, side=100)[..., 50:]
    level = local_level(drawn)
    assert level.shape == (1, 1, 100, 100)
    assert level[..., :30].max() == 0 and (255 * level[..., 70:]).mean().item() == pytest.approx(10, rel=0.05)
    assert torch.allclose(mean_around(torch.ones(1, 1, 5, 5), 9), torch.ones(1, 1, 5, 5))


@pytest.mark.parametrize("levels", [5.0, 15.0, 50.0])
def test_white_noise_is_called_white(levels: float) -> None:
    for y in (ramp() + noise(levels), (ramp() + noise(levels))[:, :1]):
        assert is_white(y, estimate_noise(y))


def test_other_noise_is_not_called_white() -> None:
    coarse, gray, faint = noise(15.0, 0.5), noise(15.0, channels=1), noise(2.0)
    for y in (ramp() + coarse, ramp() + gray, ramp() + faint, ramp()):
        assert not is_white(y, estimate_noise(y))
