"""The photos that training draws: pairs, told levels, and what is clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaezoo.errors import ConfigError
from vaezoo.image.compression.quantisation import expected_error, read_luma_table
from vaezoo.train.damages.damage import PairDamage, damage_of
from vaezoo.train.damages.photos import Pair, draw_camera, draw_noise, drawing, smoothed, table_of
from vaezoo.train.data import open_source
from vaezoo.train.recipe import DataRecipe, load_recipe

SIDE = 40


def smooth(side: int) -> np.ndarray:
    """A region without texture."""
    ramp = np.linspace(60, 180, side)
    return np.stack([ramp[:, None] + 0 * ramp, ramp + 0 * ramp[:, None], 0 * np.add.outer(ramp, ramp) + 120], 2).astype(
        np.uint8
    )


def pairs(damage: str, count: int = 40, **options: object) -> list[Pair]:
    data = DataRecipe(patch=SIDE, damage=damage, **options)  # type: ignore[arg-type]
    made = damage_of(data)
    assert isinstance(made, PairDamage)
    return [made.pair(smooth, 256, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("damage", ["photo", "camera", "saved"])
def test_pairs_are_patches_and_the_same_for_a_seed(damage: str) -> None:
    first, second = pairs(damage, 6, told=0.5), pairs(damage, 6, told=0.5)
    for one, two in zip(first, second, strict=True):
        assert one.y.shape == one.x.shape == (1, 3, SIDE, SIDE)
        assert one.told.shape == (1, 1, SIDE, SIDE)
        assert all(torch.equal(a.nan_to_num(-1), b.nan_to_num(-1)) for a, b in zip(one, two, strict=True))


def test_about_a_tenth_of_photos_is_clean() -> None:
    clean = sum(torch.equal(pair.y, pair.x) for pair in pairs("photo", 300)) / 300
    assert 0.05 < clean < 0.2


def test_nobody_is_told_unless_asked_for_and_cameras_are_never_clean() -> None:
    for pair in pairs("camera", 30):
        assert bool(pair.told.isnan().all())
        assert not torch.equal(pair.y, pair.x)


def test_a_told_level_is_the_noise_that_is_to_go() -> None:
    exact = 0
    for pair in pairs("photo", 60, told=1.0):
        noise = (pair.y - pair.x).square().mean().sqrt().item()
        told = pair.told.square().mean().sqrt().item()
        assert told > 0.75 * noise - 1e-6
        exact += noise * 0.75 - 1e-6 < told < noise * 1.25 + 1e-6
    assert exact > 30


def test_smoothing_takes_what_is_weaker_than_the_level_and_leaves_edges() -> None:
    generator = torch.Generator().manual_seed(0)
    x = 0.02 * torch.randn(1, 3, 64, 64, generator=generator)
    x[..., 32:] += 0.5
    level = torch.full((1, 1, 64, 64), 0.05)
    flat = smoothed(x, level)
    assert flat[..., :20].std() < 0.3 * x[..., :20].std()
    assert (flat[..., 36:].mean() - flat[..., :28].mean()).item() == pytest.approx(0.5, abs=0.03)
    assert torch.allclose(smoothed(x, 0 * level), x, atol=1e-4)


def test_some_told_targets_keep_noise_of_their_own() -> None:
    """Only then a level that is told says what the eyes cannot see."""
    rough = [pair.x.diff(dim=3).diff(dim=3).std().item() for pair in pairs("camera", 60, told=1.0)]
    plain = [pair.x.diff(dim=3).diff(dim=3).std().item() for pair in pairs("camera", 60)]
    assert np.quantile(rough, 0.8) > 3 * np.quantile(plain, 0.8)


def test_gray_pairs_are_gray_in_all_channels() -> None:
    for pair in pairs("photo", 20, gray_share=1.0):
        assert torch.allclose(pair.y[:, 0], pair.y[:, 2], atol=1e-5)
        assert torch.allclose(pair.x[:, 0], pair.x[:, 2], atol=1e-5)


def test_files_are_told_the_error_that_their_table_lets_expect() -> None:
    told = [pair.told.flatten()[0].item() for pair in pairs("saved", 60, told=1.0, quality=[20, 100])]
    known = {round(expected_error(table_of(quality)) / 255, 6) for quality in range(20, 101)} | {0.0}
    assert {round(level, 6) for level in told} <= known
    assert 0.0 in told


def test_a_table_is_read_from_a_file_and_expects_its_error(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8)
    Image.fromarray(noise).save(file, quality=50)
    table = read_luma_table(file)
    assert table == table_of(50)
    error = np.asarray(Image.open(file)).astype(float) - noise
    assert np.sqrt((error**2).mean()) == pytest.approx(expected_error(table), rel=0.1)  # noise fills every interval
    Image.fromarray(noise).save(tmp_path / "a.png")
    assert read_luma_table(tmp_path / "a.png") is None
    assert read_luma_table(tmp_path / "none.jpg") is None


def test_noise_has_the_level_it_states() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        noise = draw_noise(rng)
        drawn = noise.draw(torch.full((1, 3, 96, 96), 0.5), rng)
        assert drawn.square().mean().sqrt().item() == pytest.approx(noise.sigma, rel=0.15)


def test_cameras_differ() -> None:
    cameras = [draw_camera(np.random.default_rng(seed)) for seed in range(200)]
    assert {camera.phase for camera in cameras} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert {camera.demosaic for camera in cameras} == {"bilinear", "malvar"}
    assert all(abs(sum(row) - 1) < 1e-9 for camera in cameras for row in camera.matrix)
    assert min(camera.resize for camera in cameras) < 0.7 < 1.4 < max(camera.resize for camera in cameras)


def test_drawings_have_flat_areas() -> None:
    flat = [(np.diff(drawing(64, np.random.default_rng(seed)).astype(int), axis=1) == 0).mean() for seed in range(20)]
    assert np.median(flat) > 0.7


@pytest.mark.parametrize("damage", ["photo", "saved"])
def test_batches_tell_maps(tmp_path: Path, damage: str) -> None:
    for name in ("a", "b"):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 120, 3), dtype=np.uint8)).save(
            tmp_path / f"{name}.png"
        )
    data = DataRecipe(sets=[str(tmp_path)], patch=SIDE, damage=damage, told=0.5, augment=True)
    source = open_source(data, data.sets, 0)
    whole = source.batch(3, range(4), 4, torch.device("cpu"))
    part = source.batch(3, range(2, 4), 4, torch.device("cpu"))
    assert whole.cond["sigma"].shape == (4, 1, SIDE, SIDE)
    assert torch.equal(whole.y[2:], part.y)
    silent = open_source(DataRecipe(sets=[str(tmp_path)], patch=SIDE, damage=damage), [str(tmp_path)], 0)
    assert not silent.batch(0, range(2), 2, torch.device("cpu")).cond


def test_photos_take_no_other_noise_and_need_patches() -> None:
    with pytest.raises(ConfigError, match=r"data\.damage should be used without sigma"):
        load_recipe("denoise-photo", ["data.sigma=[0,25]"])
    with pytest.raises(ConfigError, match=r"data\.damage should be used with a patch"):
        load_recipe("denoise-photo", ["data.patch=0"])
