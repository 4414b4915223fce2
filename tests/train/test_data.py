"""Batches: a function of seed, step and row; noise of the stated size; every pixel from the pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError
from vaezoo.image.damage.degradations import camera_file
from vaezoo.image.damage.kernels import as_kernel
from vaezoo.image.damage.noise import camera_noise
from vaezoo.train.damages.blurs import draw_kernel
from vaezoo.train.damages.damage import damage_of
from vaezoo.train.damages.patches import GRAIN
from vaezoo.train.damages.recorruption import Recorruptions
from vaezoo.train.data import Patches, WholeImages, recorrupted
from vaezoo.train.recipe import DataRecipe

from . import toy

CPU = torch.device("cpu")


def gradient(height: int = 40, width: int = 50, channels: int = 3) -> Images:
    """A picture whose every pixel says where it lies: red the row, green the column."""
    rows, columns = np.mgrid[:height, :width]
    planes = [rows, columns, np.full_like(rows, 77)][:channels]
    return Images("gradient", [np.stack(planes, axis=-1).astype(np.uint8)], "0" * 64, "none")


def patches(seed: int = 0, **data: object) -> Patches:
    return Patches((gradient(),), DataRecipe(patch=16, **data), seed)  # type: ignore[arg-type]


def test_rows_do_not_depend_on_how_a_batch_is_divided() -> None:
    for source in (patches(sigma=[0.0, 50.0], augment=True), toy.source(sigma=[10.0, 10.0], binarise=True)):
        whole = source.batch(5, range(8), 8, CPU)
        parts = [source.batch(5, rows, 8, CPU) for rows in (range(3), range(3, 8))]
        assert torch.equal(whole.y, torch.cat([part.y for part in parts]))
        assert torch.equal(whole.target, torch.cat([part.target for part in parts]))
        assert torch.equal(whole.info["sigma"], torch.cat([part.info["sigma"] for part in parts]))
        assert not torch.equal(whole.y, source.batch(6, range(8), 8, CPU).y)


def test_a_crop_is_a_window_of_the_picture() -> None:
    x = patches().batch(0, range(32), 32, CPU).y * 255
    assert torch.all(x[:, 2] == 77) and x[:, 0].max() <= 39 and x[:, 1].max() <= 49
    torch.testing.assert_close(x[:, 0].diff(dim=1), torch.ones(32, 15, 16))
    torch.testing.assert_close(x[:, 1].diff(dim=2), torch.ones(32, 16, 15))
    corners = {(int(patch[0, 0, 0]), int(patch[1, 0, 0])) for patch in patches().batch(0, range(512), 512, CPU).y * 255}
    assert {row for row, _ in corners} == set(range(25)) and {column for _, column in corners} == set(range(35))


def test_flips_and_turns_are_all_eight() -> None:
    x = patches(augment=True).batch(0, range(128), 128, CPU).y * 255
    down, right = x[:, :2, 1, 0] - x[:, :2, 0, 0], x[:, :2, 0, 1] - x[:, :2, 0, 0]
    assert len({tuple(slopes) for slopes in torch.cat([down, right], dim=1).int().tolist()}) == 8


def test_shrinking_keeps_the_mean_and_shuffling_the_channels() -> None:
    x = patches(scale=[0.5, 0.5]).batch(0, range(64), 64, CPU).y * 255
    assert abs(float(x[:, 0].diff(dim=1).mean()) - 2.0) < 0.1 and torch.all(x[:, 2] == 77)
    x = patches(shuffle_channels=True).batch(0, range(64), 64, CPU).y * 255
    assert {int((patch == 77).all(dim=(1, 2)).nonzero()[0]) for patch in x} == {0, 1, 2}
    gray = Patches((gradient(channels=1),), DataRecipe(patch=16, scale=[0.5, 0.9]), 0)
    assert gray.batch(0, range(4), 4, CPU).y.shape == (4, 1, 16, 16)


def test_noise_has_the_stated_deviation_and_is_not_clipped() -> None:
    for source in (patches(sigma=[0.0, 55.0]), toy.source(256, sigma=[0.0, 55.0])):
        batch = source.batch(0, range(256), 256, CPU)
        noise = (batch.y - batch.target) / batch.info["sigma"][:, None, None, None]
        assert abs(float(noise.mean())) < 0.02 and abs(float(noise.std()) - 1) < 0.02
        assert batch.y.min() < 0 and batch.target.min() >= 0 and batch.target.max() <= 1
        assert batch.info["sigma"].max() <= 55 / 255 and abs(float(batch.info["sigma"].mean()) - 27.5 / 255) < 0.02


def test_an_epoch_visits_every_image_once_in_a_new_order() -> None:
    source = toy.source(16)
    assert source.steps_per_epoch(4) == 4 and source.steps_per_epoch(5) == 3
    epochs = [torch.cat([source.batch(step + first, range(4), 4, CPU).y for step in range(4)]) for first in (0, 4)]
    keys = [[float(image.sum()) for image in epoch] for epoch in epochs]
    assert keys[0] != keys[1] and sorted(keys[0]) == sorted(keys[1])


def test_dynamic_binarisation_draws_anew_with_the_right_mean() -> None:
    source = toy.source(1, binarise=True)
    draws = torch.cat([source.batch(step, range(1), 1, CPU).y for step in range(400)])
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(draws.mean(0), source.pixels[0] / 255, atol=0.1, rtol=0)


def test_labels_are_conditions() -> None:
    pixels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    images = Images("toy", list(pixels), "", "", labels=np.arange(4, dtype=np.uint8))
    batch = WholeImages((images,), DataRecipe(labels=True), 0).batch(0, range(4), 4, CPU)
    assert batch.cond["label"].tolist() == (batch.y * 255).round().flatten().long().tolist()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"one size, these are of 2.*Set data.patch"):
        WholeImages((gradient(), gradient(20)), DataRecipe(), 0)
    with pytest.raises(ConfigError, match="not every set has labels"):
        toy.source(labels=True)
    with pytest.raises(ConfigError, match="A batch of 17 is larger than the data, 16 images"):
        toy.source(16).steps_per_epoch(17)
    with pytest.raises(ConfigError, match=r"Patches of 16 at scale 0\.3 do not fit into an image of 40 pixels"):
        patches(scale=[0.3, 1.0])


def photos() -> Images:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (2, 12, 12, 3)).astype(np.uint8)
    return Images("photos", [np.kron(array, np.ones((5, 5, 1), np.uint8)) for array in coarse], "0" * 64, "none")


def test_some_patches_turn_gray_with_equal_noise_and_some_are_told_its_level() -> None:
    data = DataRecipe(patch=16, sigma=[10.0, 50.0], gray_share=0.5, told=0.5)
    batch = Patches((photos(),), data, 0).batch(0, range(200), 200, CPU)
    gray = (batch.target == batch.target[:, :1]).all(dim=(1, 2, 3))
    assert 60 < int(gray.sum()) < 140
    assert (batch.y[gray] == batch.y[gray, :1]).all() and not (batch.y[~gray] == batch.y[~gray, :1]).all()
    told = ~batch.cond["sigma"].isnan()
    assert 60 < int(told.sum()) < 140 and torch.equal(batch.cond["sigma"][told], batch.info["sigma"][told])
    plain = Patches((photos(),), DataRecipe(patch=16, sigma=[10.0, 50.0]), 0).batch(0, range(200), 200, CPU)
    assert torch.equal(plain.target[~gray], batch.target[~gray]) and plain.cond == {}


def test_camera_noise_grows_with_the_light_and_fits_eight_bits() -> None:
    noise = torch.randn((3, 1, 400, 400), generator=torch.Generator().manual_seed(0))
    x = torch.tensor([0.25, 0.5, 0.75])[:, None, None, None].expand_as(noise)
    y = camera_noise(x, noise, 0.05, 0.8)
    for plane, expected in zip(y, (0.2 + 1.6 * level for level in (0.25, 0.5, 0.75)), strict=True):
        assert float(plane.std()) == pytest.approx(0.05 * expected**0.5, rel=0.01)
    torch.testing.assert_close(camera_noise(x, noise, 0.05, 0.0).std(), (x + 0.05 * noise).std(), rtol=1e-3, atol=0)
    assert torch.equal(
        camera_file(x, 255 * 0.05, 3),
        camera_noise(x, torch.from_numpy(np.random.RandomState(3).randn(*x.shape)).float(), 0.05, 0.5),
    )
    white = camera_noise(torch.ones(1000), torch.randn(1000), 0.2, 1.0)
    assert white.max() == 1 and white.mean() < 0.95 and torch.equal((255 * white).round() / 255, white)


def test_some_patches_have_camera_noise_and_are_not_told_its_level() -> None:
    data = DataRecipe(patch=16, sigma=[10.0, 50.0], told=1.0, camera=0.4, gray_share=0.5)
    batch = Patches((photos(),), data, 0).batch(0, range(200), 200, CPU)
    camera = batch.cond["sigma"].isnan()
    assert 50 < int(camera.sum()) < 110
    assert batch.y[camera].min() >= 0 and batch.y[camera].max() <= 1 and batch.y[~camera].max() > 1
    gray = (batch.target == batch.target[:, :1]).all(dim=(1, 2, 3))
    assert (batch.y[gray] == batch.y[gray, :1]).all()


def test_grain_belongs_to_the_picture() -> None:
    flat = Images("flat", [np.broadcast_to(np.uint8([90, 110, 130]), (64, 64, 3))], "", "")
    data = DataRecipe(patch=32, sigma=[25.0, 25.0], grain=0.5, gray_share=0.5)
    batch = Patches((flat,), data, 0).batch(0, range(200), 200, CPU)
    spread = 255 * batch.target.std(dim=(2, 3)).mean(1)
    grainy = spread > 0
    assert 60 < int(grainy.sum()) < 140
    assert spread.max() < GRAIN * 1.05 and float(spread[spread > 0.5].mean()) == pytest.approx(2.25, rel=0.15)
    gray = (batch.y == batch.y[:, :1]).all(dim=(1, 2, 3))
    assert (batch.target[gray] == batch.target[gray, :1]).all()
    assert not (batch.target[grainy & ~gray] == batch.target[grainy & ~gray, :1]).all()
    assert 255 * (batch.y - batch.target).std() == pytest.approx(25, rel=0.01)


def test_low_noise_comes_more_often_where_a_recipe_says_so() -> None:
    drawn = [
        patches(sigma=[10.0, 50.0], sigma_power=power).batch(0, range(400), 400, CPU).info["sigma"] * 255
        for power in (1.0, 2.0)
    ]
    torch.testing.assert_close(drawn[1], 10 + (drawn[0] - 10) ** 2 / 40, rtol=1e-4, atol=1e-4)


def test_jpeg_patches_are_those_of_a_file_and_fit_their_targets() -> None:
    data = DataRecipe(patch=16, damage="jpeg", quality=[20.0, 20.0], gray_share=0.5)
    batch = Patches((photos(),), data, 0).batch(0, range(64), 64, CPU)
    error = (batch.y - batch.target).flatten(1).square().mean(1).sqrt()
    assert batch.y.shape == batch.target.shape == (64, 3, 16, 16) and 0.005 < float(error.median()) < 0.2
    gray = (batch.target == batch.target[:, :1]).all(dim=(1, 2, 3))
    assert (batch.y[gray] == batch.y[gray, :1]).all()
    better = Patches((photos(),), DataRecipe(patch=16, damage="jpeg", quality=[95.0, 95.0]), 0)
    fine = better.batch(0, range(64), 64, CPU)
    assert (fine.y - fine.target).square().mean() < (batch.y - batch.target).square().mean() / 2


def test_fewer_pixels_are_made_as_the_benchmark_makes_them() -> None:
    from vaezoo.image.resize import downscale, upscale

    data = DataRecipe(patch=24, damage="downscale", factors=[3])
    batch = Patches((photos(),), data, 0).batch(0, range(8), 8, CPU)
    small = downscale(batch.target, 3).mul(255).round().clamp(0, 255).div(255)
    torch.testing.assert_close(batch.y, upscale(small, 3), rtol=0, atol=1e-5)
    assert not torch.equal(batch.y, batch.target)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("damage", ["jpeg", "downscale", "lowlight", "blur"])
def test_a_region_that_may_not_be_written_is_damaged_without_a_warning_and_stays(damage: str) -> None:
    region = np.full((64, 64, 3), 128, np.uint8)
    region.setflags(write=False)
    made = damage_of(DataRecipe(patch=48, damage=damage))
    assert made is not None
    made.spoil(region, np.random.default_rng(0))
    assert (region == 128).all()


def test_dark_patches_keep_a_share_of_the_light_within_the_range() -> None:
    from vaezoo.image.damage.light import to_linear

    data = DataRecipe(patch=16, damage="lowlight", light=[0.1, 0.4], electrons=[1e6, 1e6], gray_share=0.5)
    batch = Patches((photos(),), data, 0).batch(0, range(64), 64, CPU)
    shares = to_linear(batch.y).mean((1, 2, 3)) / to_linear(batch.target).mean((1, 2, 3))
    assert shares.min() > 0.095 and shares.max() < 0.42 and shares.max() > 2 * shares.min()
    gray = (batch.target == batch.target[:, :1]).all(dim=(1, 2, 3))
    assert gray.any() and (batch.y[gray] == batch.y[gray, :1]).all()
    noisy = Patches((photos(),), DataRecipe(patch=16, damage="lowlight", light=[0.1, 0.4], electrons=[50, 50]), 0)
    assert noisy.batch(0, range(64), 64, CPU).y.diff(dim=3).square().mean() > 2 * batch.y.diff(dim=3).square().mean()


def test_blurred_patches_lose_contrast_and_keep_their_light_and_place() -> None:
    data = DataRecipe(patch=16, damage="blur", reach=4, gray_share=0.5)
    batch = Patches((photos(),), data, 0).batch(0, range(64), 64, CPU)
    left = (batch.y.diff(dim=3).square().mean((1, 2, 3)) / batch.target.diff(dim=3).square().mean((1, 2, 3))).sqrt()
    assert left.min() < 0.5 and left.median() < 0.95 and (left > 0.999).any()  # some are not blurred at all
    gray = (batch.target == batch.target[:, :1]).all(dim=(1, 2, 3))
    assert gray.any() and (batch.y[gray] == batch.y[gray, :1]).all()
    noisy, plain = (
        Patches((photos(),), DataRecipe(patch=16, damage="blur", reach=4, sigma=[sigma, sigma], told=0.5), 0).batch(
            0, range(64), 64, CPU
        )
        for sigma in (20.0, 1e-6)
    )
    assert (noisy.y - plain.y).std().item() == pytest.approx(20 / 255, rel=0.02)
    assert 0.2 < noisy.cond["sigma"].isnan().float().mean() < 0.8


@pytest.mark.parametrize("reach", [4, 12])
def test_drawn_kernels_are_kernels_within_reach_and_centred(reach: int) -> None:
    kinds, sizes = set(), set()
    for seed in range(200):
        kernel = as_kernel(draw_kernel(np.random.default_rng(seed), reach))
        side = kernel.shape[0]
        assert kernel.shape == (side, side) and side % 2 == 1 and side <= 2 * reach + 1
        position = torch.arange(side, dtype=torch.float64) - side // 2
        assert all(abs(float((kernel.sum(dim) * position).sum())) < 0.01 for dim in (0, 1))
        kinds.add(round(float((kernel > 0).double().mean()), 1))
        sizes.add(side)
    assert {1, 3, 2 * reach + 1} <= sizes and len(kinds) > 4


def test_recorrupted_pairs_have_independent_noise_of_the_stated_size() -> None:
    clean = torch.full((400, 1, 8, 8), 0.5)
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(clean.shape, generator=generator) for _ in range(2))
    sigma, share = torch.full((400,), 0.1), torch.full((400,), 0.5)
    batch = recorrupted(clean + 0.1 * first, second, sigma, share)
    left, right = (batch.y - clean).flatten(), (batch.target - clean).flatten()
    assert float(left.std()) == pytest.approx(float(batch.info["sigma"][0]), rel=0.02)
    assert float(right.std()) == pytest.approx(float(batch.info["target_sigma"][0]), rel=0.02)
    assert abs(float(torch.corrcoef(torch.stack([left, right]))[0, 1])) < 0.02


def test_noisy_pictures_are_recorrupted_at_their_own_level() -> None:
    rng = np.random.default_rng(0)
    noisy = [np.clip(128 + level * rng.standard_normal((64, 64, 3)), 0, 255).astype(np.uint8) for level in (10, 30)]
    images = Images("noisy", noisy, "0" * 64, "none")
    batch = Recorruptions((images,), DataRecipe(patch=16, damage="recorrupt"), 0).batch(0, range(64), 64, CPU)
    assert torch.equal(batch.y, Recorruptions((images,), DataRecipe(patch=16, damage="recorrupt"), 0).batch(
        0, range(64), 64, CPU).y)  # fmt: skip
    found = (batch.y - 128 / 255).flatten(1).std(1) / batch.info["sigma"]
    assert float(found.min()) > 0.9 and float(found.max()) < 1.1
    known = Recorruptions((images,), DataRecipe(patch=16, damage="recorrupt", sigma=[20.0, 20.0]), 0)
    told = known.batch(0, range(4), 4, CPU).info
    ratio = (told["sigma"] * 255 / 20) ** 2 - 1
    torch.testing.assert_close((told["target_sigma"] * 255 / 20) ** 2, 1 + 1 / ratio, rtol=1e-4, atol=1e-4)


def test_a_gray_noisy_picture_gets_gray_noise_and_a_coloured_one_coloured_noise() -> None:
    rng = np.random.default_rng(0)
    coloured = np.clip(128 + 20 * rng.standard_normal((64, 64, 3)), 0, 255).astype(np.uint8)
    gray = np.repeat(coloured[..., :1], 3, axis=2)
    for pixels, equal in ((coloured, False), (gray, True)):
        images = Images("noisy", [pixels], "0" * 64, "none")
        batch = Recorruptions((images,), DataRecipe(patch=16, damage="recorrupt"), 0).batch(0, range(8), 8, CPU)
        assert torch.equal(batch.y[:, :1].expand_as(batch.y), batch.y) is equal
