"""Tasks: what they hand to the model, what they make of its answer, their protocols and refusals."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from vaezoo_deblur.blind_deblur import BlindDeblur
from vaezoo_dejpeg.dejpeg import Dejpeg, trust
from vaezoo_denoise.colour import lost_colour
from vaezoo_denoise.denoise import Denoise
from vaezoo_sr.sr import SuperResolve, project

from vaezoo import create
from vaezoo.data.sets import load_images
from vaezoo.errors import ConfigError, DataMissing, ShapeError, UnknownName
from vaezoo.host.kinds import names_of
from vaezoo.image import downscale, gaussian_noise, luma, psnr_db, read_quantised, to_tensor, upscale
from vaezoo.image.chroma import split_luma
from vaezoo.image.compression.intervals import outside
from vaezoo.image.compression.quantisation import expected_error
from vaezoo.image.damage.noise import local_level, noise_level
from vaezoo.image.file.picture import Picture
from vaezoo.restore import Restorer, enhance
from vaezoo.restore.measure import evaluate_task
from vaezoo.restore.task import make_task, task_class
from vaezoo.train.damages.photos import table_of

from .fakes import Brightener, Copier, Halver, Shifter, Smoother


def photo(height: int = 36, width: int = 48, channels: int = 3) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 5, width), indexing="ij")
    waves = torch.stack([(rows * (c + 1)).sin() * (columns * 2).cos() for c in range(channels)])
    return (0.5 + 0.35 * waves)[None]


@pytest.mark.parametrize("name", names_of("task"))
def test_every_task_has_a_protocol_that_runs(name: str) -> None:
    cls = task_class(name)
    assert cls.name == name and cls.levels and cls.unit and cls.data
    model = Brightener() if name == "lowlight" else Copier()
    try:
        found = evaluate_task(cls, Restorer(model), [photo(), photo(48, 36)])
    except DataMissing as error:  # deblurring's kernels
        pytest.skip(str(error))
    assert list(found) == list(cls.levels)
    assert all(10 < row["psnr_db"] < 100 for row in found.values())


@pytest.mark.parametrize(("name", "level", "word"), [("sr", 2.5, "factor"), ("dejpeg", 10.5, "quality")])
def test_levels_between_whole_ones_are_refused(name: str, level: float, word: str) -> None:
    with pytest.raises(ConfigError, match=f"Expected a whole number as {word}, got {level}"):
        evaluate_task(task_class(name), Restorer(Copier()), [photo()], [level])


def test_the_noise_level_is_told_in_the_models_unit_and_cut_into_tiles() -> None:
    model = Copier()
    Denoise(25.5).restore(Restorer(model), photo())
    assert model.told[0].shape == (1, 1, 36, 48) and torch.allclose(model.told[0], torch.tensor(0.1))
    level = torch.arange(36.0)[:, None].expand(36, 48)
    Denoise(level).restore(Restorer(model, tile=32), photo())
    assert all(max(part.shape[-2:]) <= 32 for part in model.told[1:])
    assert {round(255 * float(part.max())) for part in model.told[1:]} >= {35}
    Denoise().restore(Restorer(blind := Copier()), photo())
    assert blind.told == []
    Denoise(25).restore(Restorer(Smoother()), photo())  # a blind model ignores it


def test_noise_is_estimated() -> None:
    for sigma in (5, 25, 50):
        y = gaussian_noise(photo(128, 128), sigma, seed=0)
        assert 255 * noise_level(y) == pytest.approx(sigma, rel=0.05)
        assert Denoise().restore(Restorer(Copier()), y).facts["noise_levels"] == pytest.approx(sigma, rel=0.05)
    assert noise_level(torch.rand(1, 3, 1, 9)) == 0


def test_deblurring_without_a_kernel_is_blind_and_may_be_told_the_noise() -> None:
    assert make_task("deblur", kernel=np.ones((1, 1))).model == "denoise.open"
    task = make_task("deblur", sigma=2.5)
    assert task == BlindDeblur(2.5) and task.model == "deblur"
    task.restore(Restorer(model := Copier()), photo())
    assert torch.allclose(model.told[0], torch.tensor(2.5 / 255))
    with pytest.raises(ShapeError, match="Expected a noise level of at least 0"):
        make_task("deblur", sigma=-1)
    with pytest.raises(ConfigError, match="The task 'blind-deblur' has no option 'iterations': it takes sigma"):
        make_task("deblur", iterations=3)
    with pytest.raises(ConfigError, match="a model that was trained to deblur, but this one was made for 'denoise'"):
        task.restore(Restorer(create("denoise-small", seed=0)), photo())


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_larger_picture_shrinks_back_to_the_input(factor: int) -> None:
    y = (255 * photo(23, 31)).round() / 255
    result = SuperResolve(factor).restore(Restorer(Smoother()), y)
    assert result.image.shape == (1, 3, 23 * factor, 31 * factor)
    assert (downscale(result.image, factor) - y).abs().max() <= 0.5 / 255
    assert result.facts["consistency_levels"] <= 0.5
    loose = SuperResolve(factor, consistent=False).restore(Restorer(Smoother()), y)
    assert loose.facts["consistency_levels"] > result.facts["consistency_levels"]


def test_projecting_what_fits_changes_nothing() -> None:
    image = photo(24, 24)
    assert project(image, downscale(image, 2), 2) is image


def test_enhance_takes_tasks_by_name_and_made() -> None:
    array = photo(20, 30)[0].permute(1, 2, 0).numpy()
    by_name = enhance(array, task="sr", factor=3, model=Copier())
    made = enhance(array, task=SuperResolve(3), model=Copier())
    assert by_name.image.shape == (60, 90, 3) and (by_name.image == made.image).all()
    assert by_name.facts["consistency_levels"] <= 0.5
    half = enhance(array, task="sr", model=Copier(), strength=0.5)
    assert half.image.shape == (40, 60, 3)
    levels = np.rint(array * 255).astype(np.uint8)
    assert enhance(levels, task="sr", model=Copier()).image.dtype == np.uint8


def test_jpeg_of_colour_is_compared_as_luma() -> None:
    x = photo()
    example = Dejpeg.example(x, 10, 0)
    assert 0.001 < (example.y - x).square().mean().sqrt() < 0.1
    assert Dejpeg.compared(x, 10).shape == (1, 1, 36, 48) and Dejpeg.compared(x[:, :1], 10) is not None


def test_a_jpeg_file_holds_the_result_to_what_it_says(tmp_path: Path) -> None:
    path, pixels = tmp_path / "photo.jpg", np.rint(255 * photo(40, 56)[0].permute(1, 2, 0).numpy()).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=60)
    free, held = (enhance(path, task="dejpeg", model=Smoother(), project=project) for project in (False, True))
    quantised = read_quantised(path)
    assert outside(to_tensor(free.image), quantised) > 0.001 > outside(to_tensor(held.image), quantised)
    assert held.facts["outside_percent"] > 0.1 and not free.facts
    told = Dejpeg(project=True, quantised=quantised)
    assert (enhance(np.asarray(Image.open(path)), task=told, model=Smoother()).image == held.image.pixels).all()
    example = Dejpeg.example(photo(), 10, 0)
    assert not example.task.restore(Restorer(Smoother()), example.y).facts
    with pytest.raises(ConfigError, match=r"needs the JPEG file of the picture, got the picture alone\. Give its path"):
        enhance(pixels, task="dejpeg", model=Smoother(), project=True)


@pytest.mark.parametrize("sigma", [-1, float("nan"), float("inf"), torch.tensor([[1.0, -2.0]])])
def test_a_noise_level_below_zero_is_refused(sigma: float) -> None:
    with pytest.raises(ShapeError, match="noise level of at least 0, in grey levels, got"):
        Denoise(sigma)


@pytest.mark.parametrize("sigma", ["25", np.array([None]), 1j])
def test_a_noise_level_that_is_no_number_is_refused(sigma: Any) -> None:
    with pytest.raises(ShapeError, match=r"a noise level in grey levels, a number or a map \(H, W\), got "):
        Denoise(sigma)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="Expected a boost of at least 0, got '2'"):
        Denoise(boost="2")  # type: ignore[arg-type]
    for task in (3, ["denoise"], Denoise):
        with pytest.raises(ConfigError, match=r"Expected a task's name, or a task, got .* Give one such as 'sr'"):
            enhance(np.zeros((8, 8, 3), np.float32), task=task, model=Copier())  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"a map of the picture's \(36, 48\), got \(2, 3\)"):
        Denoise(torch.ones(2, 3)).restore(Restorer(Copier()), photo())
    with pytest.raises(ConfigError, match="factor above 1, up to 16, got 17"):
        SuperResolve(17)
    with pytest.raises(UnknownName, match=r"Expected a known task, got 'denoize'.*denoise"):
        make_task("denoize")
    with pytest.raises(ConfigError, match="'dejpeg' has no option 'sigma': it takes project, quantised"):
        make_task("dejpeg", sigma=3)
    with pytest.raises(ConfigError, match="no options beside a task"):
        enhance(np.zeros((8, 8, 3), np.float32), task=SuperResolve(2), model=Copier(), factor=2)
    with pytest.raises(ShapeError, match=r"maps of shape \(1, 1, 36, 48\), got \(1, 1, 2, 2\)"):
        Restorer(Copier())(photo(), maps={"sigma": torch.zeros(1, 1, 2, 2)})


@pytest.mark.parametrize(("factor", "published"), [(2, 33.66), (3, 30.39), (4, 28.42)])
def test_bicubic_on_set5_has_its_published_value(data_folders: list[Path], factor: int, published: float) -> None:
    pictures = [to_tensor(Picture(np.array(pixels))) for pixels in load_images("set5").pixels]
    found = []
    for x in pictures:
        example = SuperResolve.example(x, factor, 0)
        y = upscale(example.y, factor).clamp(0, 1)
        found.append(psnr_db(luma(y), luma(example.x), border=factor).item())
    assert np.mean(found) == pytest.approx(published, abs=0.05)
    scores = evaluate_task(SuperResolve, Restorer(Copier()), pictures, [factor])[factor]
    assert scores["psnr_db"] > np.mean(found)  # consistency alone gains


def halved(y: torch.Tensor) -> torch.Tensor:
    """Returns what denoising by a `Halver` takes away: half, less the local mean colour, which is put back."""
    return y / 2 - lost_colour(y, y / 2)


def test_the_local_mean_colour_is_kept_but_where_noise_was_cut_off() -> None:
    clean = photo(200, 260)
    noisy = gaussian_noise(clean, 10, seed=0)
    shifted = clean + torch.tensor([0.02, 0.0, -0.03]).view(1, 3, 1, 1)
    back = lost_colour(noisy, shifted)
    assert torch.allclose(back.mean((0, 2, 3)), torch.tensor([-0.02, 0.0, 0.03]), atol=1e-3)
    assert 255 * (shifted + back - clean).abs().max() < 1.5  # of the noise, 10 levels, next to nothing comes back
    assert not lost_colour(torch.zeros(1, 3, 64, 64), torch.full((1, 3, 64, 64), 0.1)).any()
    assert lost_colour(noisy[..., :3, :5], shifted[..., :3, :5]).shape == (1, 3, 3, 5)
    found = Denoise().restore(Restorer(Shifter()), noisy.clamp(0, 1)).image
    assert abs(float((found - noisy).mean())) < 2e-3


def test_more_than_all_tells_a_higher_level() -> None:
    array = gaussian_noise(photo(64, 64), 20, seed=0)[0].permute(1, 2, 0).numpy()
    enhance(array, model=(model := Copier()), strength=2, sigma=10)
    assert torch.allclose(model.told[0], torch.tensor(20 / 255))
    array = array.clip(0, 1)
    enhance(array, model=(model := Halver()), strength=1.5)  # removes half, so it is told 1.5 times half of the picture
    seen = local_level(halved(torch.from_numpy(array).permute(2, 0, 1)[None]))
    assert torch.allclose(model.told[0], 1.5 * seen, atol=1e-5)
    for task, other in (("sr", Copier()), ("denoise", Smoother())):
        with pytest.raises(ConfigError, match=f"Strength is 0 to 1 for the task '{task}', not 2"):
            enhance(array, task=task, model=other, strength=2)
    with pytest.raises(ConfigError, match="Strength is 0 to 3, not 4"):
        enhance(array, model=Copier(), strength=4)
    with pytest.raises(ConfigError, match="boost of at least 0, got -1"):
        Denoise(boost=-1)


def test_a_jpeg_files_expected_error_is_told(tmp_path: Path) -> None:
    picture = Image.fromarray((255 * photo()[0].permute(1, 2, 0).numpy()).astype(np.uint8))
    picture.save(tmp_path / "a.jpg", quality=30)
    picture.save(tmp_path / "a.png")
    enhance(tmp_path / "a.jpg", task="dejpeg", model=(model := Copier()))
    assert float(255 * model.told[0].mean()) == pytest.approx(expected_error(table_of(30)), rel=1e-4)
    enhance(tmp_path / "a.png", task="dejpeg", model=(untold := Copier()))
    assert untold.told == []
    enhance(tmp_path / "a.jpg", task="dejpeg", model=(told := Copier()), expected=3.0)
    assert float(255 * told.told[0].mean()) == pytest.approx(3)
    enhance(tmp_path / "a.jpg", task="dejpeg", model=Smoother())  # a model that is told nothing
    with pytest.raises(ShapeError, match="at least 0, in grey levels, got -1"):
        Dejpeg(expected=-1)


def test_a_good_jpeg_file_is_left_alone_and_a_bad_one_is_not(tmp_path: Path) -> None:
    picture = Image.fromarray((255 * photo()[0].permute(1, 2, 0).numpy()).astype(np.uint8))
    changes = []
    for quality in (100, 95, 92, 75):
        picture.save(file := tmp_path / "a.jpg", quality=quality)
        y = to_tensor(Picture(np.asarray(Image.open(file))))
        change = Dejpeg().of_file(file).restore(Restorer(Halver()), y).image - y
        changes.append(float(change.abs().mean() / (y / 2).mean()))
    assert changes[:2] == [0, 0] and 0.4 < changes[2] < 0.9 and changes[3] > 0.99
    assert trust(2.0) == 0 and trust(20) > 0.999


def test_white_noise_gets_its_own_weights_where_nobody_chose_any(tmp_path: Path) -> None:
    clean = photo(96, 96)
    noisy = gaussian_noise(clean, 15, seed=0)
    array = noisy[0].permute(1, 2, 0).numpy()
    own = enhance(array, model="denoise.open")
    assert np.array_equal(enhance(array).image, own.image) and enhance(array).calibration == own.calibration
    chosen = enhance(array, model="denoise").image
    assert not np.array_equal(chosen, own.image)
    for options in ({"strength": 2}, {"luma": 1.5}):
        assert not np.array_equal(enhance(array, **options).image, own.image)
    coarse = gaussian_noise(photo(48, 48), 15, seed=0)
    array = upscale(coarse, 2)[0].permute(1, 2, 0).numpy().clip(0, 1)
    assert np.array_equal(enhance(array).image, enhance(array, model="denoise").image)
    picture = Image.fromarray((255 * noisy.clamp(0, 1)[0].permute(1, 2, 0).numpy()).astype(np.uint8))
    picture.save(tmp_path / "a.jpg", quality=97, subsampling=0)
    assert Denoise().of_file(tmp_path / "a.jpg").table == table_of(97)
    free, held = (enhance(tmp_path / "a.jpg", model=model).image for model in (None, "denoise"))
    assert np.array_equal(free.pixels, held.pixels)


def test_luma_and_colour_have_strengths_of_their_own() -> None:
    y = gaussian_noise(photo(64, 64), 20, seed=0).clamp(0, 1)
    array = y[0].permute(1, 2, 0).numpy()

    def split(result: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return split_luma(torch.from_numpy(result.image).permute(2, 0, 1)[None])

    none, all_ = enhance(array, model=Halver(), strength=0), enhance(array, model=Halver())
    only_colour = enhance(array, model=Halver(), luma=0, chroma=1)
    assert torch.allclose(split(only_colour)[0], split(none)[0], atol=1e-5)
    assert torch.allclose(split(only_colour)[1], split(all_)[1], atol=1e-5)
    rest = enhance(array, model=Halver(), strength=0, chroma=1)
    assert np.allclose(rest.image, only_colour.image)
    assert np.allclose(rest.restored, all_.restored)  # intervals stay around the model's own
    half = enhance(array, model=Halver(), luma=0.5, chroma=0.5)
    assert np.allclose(half.image, enhance(array, model=Halver(), strength=0.5).image, atol=1e-6)
    model = Halver()
    enhance(array, model=model, luma=1, chroma=2)
    assert torch.allclose(model.told[0], 2 * local_level(halved(y)), atol=1e-5)
    for name in ("luma", "chroma"):
        with pytest.raises(ConfigError, match=f"Expected {name} as a strength of 0 to 3, got 4"):
            enhance(array, model=Halver(), **{name: 4})
    with pytest.raises(ConfigError, match="Strength is 0 to 1 for the task 'denoise', not 2"):
        enhance(array, model=Smoother(), chroma=2)


def test_what_was_removed_is_told_beside_what_was_estimated() -> None:
    y = gaussian_noise(photo(128, 128), 10, seed=0).clamp(0, 1)
    facts = Denoise().restore(Restorer(Halver()), y).facts
    assert facts["removed_levels"] == pytest.approx(255 * halved(y).square().mean().sqrt().item(), rel=1e-3)
    assert facts["noise_grain_pixels"] == pytest.approx(1, abs=0.3) and facts["removed_grain_pixels"] > 2
    assert Denoise().restore(Restorer(Copier()), y).facts["removed_levels"] == 0


def test_samples_of_tiles_are_those_of_the_whole() -> None:
    torch.manual_seed(0)
    model = create("denoise", widths=[8, 12], latents=[2, 2], evidence=[4, 4], blocks=1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    y = photo(168, 200)
    whole, tiled = Restorer(model, samples=3)(y), Restorer(model, samples=3, tile=160)(y)
    assert whole.spread is not None and tiled.spread is not None and whole.average is not None
    assert float(whole.spread.mean()) > 1e-3
    torch.testing.assert_close(tiled.spread, whole.spread, rtol=0, atol=2e-4)
    torch.testing.assert_close(tiled.average, whole.average, rtol=0, atol=2e-4)
    torch.testing.assert_close(whole.image, Restorer(model)(y).image)
    other = Restorer(model, samples=3, seed=1)(y)
    assert other.average is not None and not torch.allclose(other.average, whole.average)
    gray = enhance(y[0, 0].numpy(), model=model, samples=2)
    assert gray.average.shape == gray.spread.shape == (168, 200)
    with pytest.raises(ConfigError, match="samples, at least 0, got -1"):
        Restorer(model, samples=-1)


def test_detail_is_one_sample_and_the_sd_says_where_it_was_invented() -> None:
    torch.manual_seed(0)
    model = create("denoise", widths=[8, 12], latents=[2, 2], evidence=[4, 4], blocks=1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    y = photo(40, 48)
    plain, half, whole = (enhance(y[0], model=model, detail=detail) for detail in (0, 0.5, 1))
    assert plain.invented is None and half.invented is not None and whole.invented is not None
    np.testing.assert_array_equal(plain.restored, whole.restored)
    np.testing.assert_allclose(whole.image, (whole.restored + whole.invented).transpose(2, 0, 1), atol=1e-6)
    assert 0 < np.abs(half.invented).mean() < np.abs(whole.invented).mean()
    np.testing.assert_allclose(whole.sd**2 - plain.sd**2, whole.invented**2, atol=1e-4)
    np.testing.assert_array_equal(whole.interval(90).lower, plain.interval(90).lower)
    again, other = enhance(y[0], model=model, detail=1), enhance(y[0], model=model, detail=1, seed=1)
    assert torch.equal(again.image, whole.image) and not torch.equal(other.image, whole.image)
    kept = enhance(y[0], model=model, detail=1, strength=0)
    assert torch.allclose(kept.image, y[0], atol=1e-6)


def test_where_no_sample_can_be_drawn_it_is_said() -> None:
    with pytest.raises(ConfigError, match="Detail is 0 to 1, not 2"):
        Restorer(Copier(), detail=2)
    with pytest.raises(ConfigError, match=r"samples or detail, got 2 and 0\.5"):
        Restorer(Copier(), samples=2, detail=0.5)
    y = photo(40, 48)[0]

    class Unheeding(Smoother):
        def restore(self, y: torch.Tensor, **ignored: object) -> SimpleNamespace:
            return super().restore(y)

    with pytest.raises(ConfigError, match="The model draws no samples"):
        enhance(y, model=Unheeding(), detail=1)
    with pytest.raises(ConfigError, match="The task 'deblur' draws no samples"):
        enhance(y, model=Copier(), task="deblur", kernel=np.ones((1, 1)), detail=1)
