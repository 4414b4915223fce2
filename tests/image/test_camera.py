"""The camera as a damage: against closed forms, and what it refuses."""

from __future__ import annotations

import pytest
import torch

from vaezoo.errors import ConfigError, ShapeError
from vaezoo.image.damage.camera import DEMOSAICS, Camera, blurred, camera_photo, demosaic, reduced, saved, textured
from vaezoo.image.damage.light import to_linear

PHASES = [(0, 0), (0, 1), (1, 0), (1, 1)]
PLAIN = Camera(shot=0, read=0, red=1, blue=1, tone=False, demosaic="bilinear")


def mosaic(light: torch.Tensor, phase: tuple[int, int]) -> torch.Tensor:
    """What the cells count, by the definition of the pattern."""
    cells = torch.empty_like(light[:, :1])
    for row in range(light.shape[2]):
        for column in range(light.shape[3]):
            place = (row + phase[0]) % 2 + (column + phase[1]) % 2
            cells[0, 0, row, column] = light[0, place, row, column]
    return cells


@pytest.mark.parametrize("method", DEMOSAICS)
@pytest.mark.parametrize("phase", PHASES)
def test_demosaic_is_exact_where_colours_are_linear_and_change_alike(method: str, phase: tuple[int, int]) -> None:
    down, right = torch.meshgrid(torch.arange(20.0), torch.arange(16.0), indexing="ij")
    plane = 0.2 + 0.01 * down + 0.02 * right
    light = torch.stack([plane + offset for offset in (0.0, 0.1, 0.3)])[None]
    found = demosaic(mosaic(light, phase), phase, method)
    assert (found - light)[..., 3:-3, 3:-3].abs().max() < 1e-5


def test_a_camera_without_noise_gives_a_smooth_gray_picture_back() -> None:
    x = torch.linspace(0.1, 0.9, 64).expand(1, 3, 48, 64)
    camera = Camera(shot=0, read=0, matrix=((1.5, -0.4, -0.1), (-0.2, 1.5, -0.3), (0.0, -0.5, 1.5)), exposure=0.7)
    photo = camera_photo(x, camera, 0)
    assert (photo.x - x)[..., 4:-4].abs().max() < 0.002
    assert (photo.y - photo.x).abs().max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("value", [0.4, 0.6])
def test_noise_has_the_variance_of_shot_and_read_noise(value: float) -> None:
    x, shot, read = torch.full((1, 3, 256, 256), value), 4e-3, 2e-4
    camera = Camera(shot=shot, read=read, red=1, blue=1, tone=False, demosaic="bilinear")
    green = to_linear(camera_photo(x, camera, 3).y)[0, 1, ::2, 1::2]  # cells that are green themselves
    expected = shot * to_linear(torch.tensor(value)) + read
    assert green.var().item() == pytest.approx(expected.item(), rel=0.05)


def test_exposure_brings_noise_and_not_darkness() -> None:
    x = torch.full((1, 3, 96, 96), 0.5)
    dark, light = (camera_photo(x, Camera(exposure=exposure), 1) for exposure in (0.3, 1.0))
    assert abs(dark.x.mean() - light.x.mean()) < 0.01
    assert (dark.y - dark.x).std() > 1.4 * (light.y - light.x).std()


def test_its_noise_is_coarser_than_a_pixel() -> None:
    photo = camera_photo(torch.full((1, 3, 128, 128), 0.5), Camera(shot=4e-3), 0)
    noise = photo.y - photo.x
    beside = (noise[..., 1:] * noise[..., :-1]).mean() / noise.square().mean()
    assert beside > 0.2


def test_noise_reduction_leaves_coarse_colour_and_less_of_it() -> None:
    noise = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    left = reduced(noise, Camera(chroma_blur=3.0))
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    luma = (noise * weights).sum(1, keepdim=True)
    assert torch.allclose(
        (left * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True), luma, atol=1e-5
    )
    assert (left - luma).std() < 0.3 * (noise - luma).std()
    assert reduced(noise, Camera()) is noise
    blotched = reduced(noise, Camera(blotch=0.5, blotch_blur=4.0)) - noise
    assert blotched.std().item() == pytest.approx(0.5 * (noise - luma).std().item(), rel=0.05)


def test_reduction_gives_way_to_texture() -> None:
    x = torch.full((1, 3, 128, 128), 0.5)
    x[..., 64:] += 0.15 * torch.randn(1, 1, 128, 64, generator=torch.Generator().manual_seed(0))
    photo = camera_photo(x, Camera(shot=4e-3, luma_blur=1.5, chroma_blur=3.0, adapts=5.0), 0)
    noise = (photo.y - photo.x)[..., 8:-8, :]
    assert noise[..., 72:120].std() > 2 * noise[..., 8:56].std()
    assert textured(x, 5.0)[..., :50].max() < 0.01 and textured(x, 5.0)[..., 80:].min() > 0.5


def test_a_photo_is_the_same_for_a_seed_and_another_for_another() -> None:
    x = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    camera = Camera(qualities=(80,), resize=1.5, sharpen=0.4)
    one, two, other = (camera_photo(x, camera, seed) for seed in (5, 5, 6))
    assert torch.equal(one.y, two.y)
    assert not torch.equal(one.y, other.y)
    assert torch.equal(one.x, other.x)
    assert one.y.shape == one.x.shape == (1, 3, 60, 84)


def test_files_are_of_eight_bits_and_their_quality() -> None:
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(saved(x), (x * 255).round() / 255)
    errors = [(saved(x, (quality,)) - x).square().mean().item() for quality in (95, 60, 20)]
    assert errors == sorted(errors)


def test_blurring_keeps_the_mean_and_has_the_width_asked_for() -> None:
    point = torch.zeros(1, 1, 41, 41)
    point[..., 20, 20] = 1
    spread = blurred(point, 2.0)
    offsets = torch.arange(41.0) - 20
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    assert (spread.sum((0, 1, 2)) * offsets**2).sum().sqrt().item() == pytest.approx(2, rel=0.03)
    assert torch.equal(blurred(point, 0), point)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shot": -1}, "noise of at least 0"),
        ({"demosaic": "ahd"}, "bilinear, malvar, got 'ahd'"),
        ({"resize": 9.0}, "0.25 to 4 times"),
        ({"qualities": (0,)}, "qualities of 1 to 100"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Camera(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 1, 16, 16), (2, 3, 16, 16), (1, 3, 4, 16)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="one colour picture"):
        camera_photo(torch.zeros(shape), Camera(), 0)
