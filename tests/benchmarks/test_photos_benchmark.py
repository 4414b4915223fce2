"""What `benchmarks.photos` measures: flat areas, noise that is left, searches, made photos, and the page."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from PIL import Image

from benchmarks import photos
from benchmarks.photo import asked as photo_asked
from benchmarks.photo import flat, told
from benchmarks.photo import methods as photo_methods
from benchmarks.photo import page as photo_page
from benchmarks.photo import sets as photo_sets
from benchmarks.photo import suites as photo_suites
from benchmarks.photo.methods import Answer, Candidate
from benchmarks.photo.sets import Photo
from benchmarks.photo.suites import CC15, CLEAN, JPEG, PHONE, SCREENS, SMALL, STRENGTH, SUITES, WHITE, Suite
from benchmarks.records import Key, Records
from vaezoo.errors import DataMissing, ShapeError
from vaezoo.image.damage.camera import camera_photo


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "photos.json")


def gray(level: float, height: int = 32, width: int = 48) -> torch.Tensor:
    return torch.full((1, 3, height, width), level / 255)


def checks(height: int = 32, width: int = 48) -> torch.Tensor:
    """Returns a board of +1 and −1, whose blocks have a mean of 0 and a deviation of 1."""
    down, right = torch.arange(height)[:, None], torch.arange(width)[None]
    return (1 - 2 * ((down + right) % 2)).expand(1, 1, -1, -1).float()


def test_flat_is_where_the_truth_hardly_varies_and_is_not_clipped() -> None:
    assert flat.flat_blocks(gray(128)).tolist() == [[True] * 3] * 2
    assert not flat.flat_blocks(gray(5)).any() and not flat.flat_blocks(gray(250)).any()
    x = gray(128)
    x[..., :16, 16:32] += 1.2 * checks(16, 16) / 255  # too much structure
    x[:, 2, 16:, 32:] += 1.2 * checks(16, 16)[0, 0] / 255  # the same in one channel
    x[..., 16:, :16] += 0.8 * checks(16, 16) / 255  # not enough to count
    assert flat.flat_blocks(x).tolist() == [[True, False, True], [True, True, False]]
    assert flat.flat_blocks(gray(128, 47, 31)).shape == (2, 1)  # what is left at the sides is not used


def test_noise_left_is_of_flat_blocks_alone_and_less_their_mean() -> None:
    blocks = torch.tensor([[True, False, True], [False, False, False]])
    error = 3 * checks().expand(1, 3, -1, -1) / 255
    error[..., :16, 16:32] = 0.5  # not flat
    error[..., :16, 32:] += 20 / 255  # a change of brightness is no noise
    found = flat.noise_left(error, blocks)
    assert found["luma"] == pytest.approx(3, rel=1e-5) and found["chroma"] == pytest.approx(0, abs=1e-4)
    blue = torch.zeros(1, 3, 32, 48)
    blue[:, 2] = 4 * checks()[:, 0] / 255
    found = flat.noise_left(blue, blocks)
    assert found["luma"] == pytest.approx(4 * 0.114, rel=1e-4)
    cb, cr = 4 * 0.5, -4 * 0.114 / 1.402
    assert found["chroma"] == pytest.approx(((cb**2 + cr**2) / 2) ** 0.5, rel=1e-4)
    with pytest.raises(ShapeError, match="Expected at least one flat block, got none"):
        flat.noise_left(error, torch.zeros(2, 3, dtype=torch.bool))


def test_luma_and_chroma_are_those_of_jpeg() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("YCbCr")).astype(float) - (0, 128, 128)
    found = 255 * flat.luma_chroma(photo_sets.tensor(pixels))[0].permute(1, 2, 0).numpy()
    assert np.abs(found - expected).max() < 1.01


@pytest.mark.parametrize("peak", [3.0, 12.0, 14.0, 45.0])
def test_a_search_ends_near_the_best_level_and_inside_what_it_tried(peak: float) -> None:
    found: dict[float, float] = {}
    while wanted := told.still_to_try(found):
        assert not found.keys() & set(wanted) and len(found) < 15
        found |= {level: -abs(np.log(level / peak)) for level in wanted}
    best = max(found, key=lambda level: found[level])
    assert max(best / peak, peak / best) < 1.13 and min(found) < best < max(found)


def test_a_search_begins_with_the_grid_and_stops_where_levels_stop_making_sense() -> None:
    assert told.still_to_try({10.0: 1.0}) == [14.0, 20.0]
    assert told.still_to_try({10.0: 30.0, 14.0: 31.0, 20.0: 30.0}) == [11.8, 16.7]
    assert told.still_to_try({10.0: 32.0, 14.0: 31.0, 20.0: 30.0}) == [7.1]
    assert told.still_to_try({10.0: 30.0, 14.0: 31.0, 20.0: 32.0}) == [28.6]
    found = {level: level for level in told.GRID}
    while wanted := told.still_to_try(found):
        found |= {level: level for level in wanted}
    assert told.HIGHEST / 2 < max(found) <= told.HIGHEST


def test_noise_and_jpeg_are_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 40, 3), dtype=np.uint8)
    toy(monkeypatch, list(pixels))
    (_, make) = list(photo_sets.noisy_jpeg(10)(75.0, None))[1]
    photo = make()
    noisy = np.round(np.clip(pixels[1] + np.random.RandomState(1).randn(24, 40, 3) * 10, 0, 255)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=75)
    assert photo.file == file.getvalue() and photo.suffix == ".jpg"
    assert torch.equal(photo.y, photo_sets.tensor(np.asarray(Image.open(file))))
    assert torch.equal(photo.x, photo_sets.tensor(pixels[1]))


def toy(monkeypatch: pytest.MonkeyPatch, pixels: list[np.ndarray]) -> None:
    from vaezoo.data.sets import Images

    names = tuple(f"{index:02}" for index in range(len(pixels)))
    monkeypatch.setattr(photo_sets, "load_images", lambda name: Images("toy", pixels, "0" * 64, "CC0", names))


@pytest.mark.parametrize("name", photo_sets.CAMERAS)
def test_a_simulated_photo_is_the_cameras_and_its_file_is_there(name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    photo = photo_sets.taken(pixels, name, 5)
    expected = camera_photo(photo_sets.tensor(pixels), photo_sets.CAMERAS[name], 5)
    assert torch.equal(photo.y, expected.y) and torch.equal(photo.x, expected.x)
    assert Image.open(io.BytesIO(photo.file)).format == "JPEG"


@pytest.mark.parametrize("kind", photo_sets.SCREENS)
def test_screenshots_are_drawn_the_same_each_time_and_have_gray_and_colour(kind: str) -> None:
    pixels = photo_sets.screenshot(kind)
    assert pixels.shape == (480, 640, 3) and np.array_equal(pixels, photo_sets.screenshot(kind))
    spread = pixels.max(2).astype(int) - pixels.min(2)
    assert (spread > 60).mean() > 0.01 and (spread < 20).mean() > 0.5
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 8  # letters have soft edges


def test_real_pairs_are_looked_for_and_told_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match="CC15 is not there"):
        photo_sets.find_cc15()
    folder = tmp_path / photo_sets.CC15
    folder.mkdir(parents=True)
    for kind in ("real", "mean"):
        Image.new("RGB", (32, 16)).save(folder / f"a_{kind}.png")
    with pytest.raises(DataMissing, match="is not CC15: its content has sha256") as error:
        photo_sets.find_cc15(folder)
    digest = str(error.value).partition("has sha256 ")[2][:64]
    monkeypatch.setattr(photo_sets, "CC15_SHA256", digest)
    ((name, make),) = photo_sets.real(0.0, None)
    assert name == "a" and make().file == (folder / "a_real.png").read_bytes()
    assert list(photo_sets.real_flat(0.0, folder)) == []  # black, so clipped


@pytest.mark.skipif("VAEZOO_DATA" not in os.environ, reason="needs CC15 in a folder of $VAEZOO_DATA")
def test_the_real_pairs_with_flat_areas_are_as_many_as_the_page_says() -> None:
    try:
        names = [name for name, _ in photo_sets.real_flat(0.0, None)]
    except DataMissing as error:
        pytest.skip(str(error))
    assert len(names) == STRENGTH.pictures


def test_quarters_are_every_second_pixel_and_come_back_in_place() -> None:
    y = torch.rand(1, 3, 7, 10, generator=torch.Generator().manual_seed(0))
    seen: list[torch.Tensor] = []
    assert torch.equal(photo_methods.in_quarters(lambda part: seen.append(part) or part, y), y)  # type: ignore[func-returns-value]
    even = F.pad(y, (0, 0, 0, 1), mode="replicate")
    expected = [even[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]
    assert all(torch.equal(a, b) for a, b in zip(seen, expected, strict=True))


def photo(level: float = 128.0) -> Photo:
    x = gray(level)
    return Photo(x, x + 2 * checks() / 255, photo_sets.png(photo_sets.pixels_of(x)))


def test_results_of_files_are_rounded_as_files_are() -> None:
    seen = photo()
    values = photo_suites.honesty(seen, Answer(seen.x + 0.4 / 255))
    assert values["psnr_db"] == photo_suites.UNCHANGED_DB and "coverage_90" not in values
    bare = photo_suites.honesty(seen._replace(file=b""), Answer(seen.x + 0.4 / 255))
    assert bare["psnr_db"] == pytest.approx(20 * np.log10(255 / 0.4), abs=0.01)


def test_the_sd_is_of_the_result_before_it_is_rounded() -> None:
    seen = photo()
    middle, sd = seen.x + 0.4 / 255, torch.full_like(seen.x, 0.3 / 255)
    ends = middle - 0.3 / 255, middle + 0.3 / 255
    values = photo_suites.honesty(seen, Answer(seen.x, middle, sd, ends))
    assert (values["coverage_68"], values["coverage_90"], values["interval_90"]) == (0, 1, 0)
    assert values["rmse_levels"] == pytest.approx(0.4, rel=1e-3) and values["sd_levels"] == pytest.approx(0.3)
    wider = photo_suites.honesty(seen, Answer(seen.x, middle, sd, (middle - 0.5 / 255, middle)))
    assert wider["interval_90"] == 1


def test_a_colour_fringe_is_new_colour_where_it_was_gray() -> None:
    x = gray(128)
    x[:, 0, :, 24:] = 0.9  # the right half is red
    change = torch.zeros_like(x)
    change[:, 2, 3, 40] = 10 / 255
    values = photo_suites.faithfulness(Photo(x, x), Answer(x + change))
    assert values["chroma_levels"] == pytest.approx(5, abs=0.01) and values["fringe_levels"] == 0
    change[:, 2, 3, 4] = -6 / 255
    values = photo_suites.faithfulness(Photo(x, x), Answer(x + change))
    assert values["fringe_levels"] == pytest.approx(3, abs=0.01)
    assert photo_suites.faithfulness(Photo(x, x), Answer(x))["psnr_db"] == photo_suites.UNCHANGED_DB


def test_flatness_says_what_an_even_result_would_have() -> None:
    x = gray(128) + 0.5 * checks() / 255
    values = photo_suites.flatness(Photo(x, x), Answer(gray(128)))
    assert values["luma"] == pytest.approx(0.5, rel=1e-3) == values["least_luma"]
    assert photo_suites.flatness(Photo(x, x), Answer(x))["luma"] == 0


def test_a_run_measures_what_is_missing_and_searches_for_what_is_told(records: Records) -> None:
    calls: list[float] = []

    def run(seen: Photo, level: float) -> Answer:
        calls.append(level)
        return Answer(seen.x + abs(level - 15) / 255)

    suite = Suite(
        "toy", "cc15", 2, lambda level, folder: iter([("a", photo), ("b", photo)]), (), photo_suites.closeness
    )
    photos.run_suite(suite, [Candidate("ffdnet", "v1", run)], records)
    assert calls == [10, 10, 14, 14, 20, 20, 11.8, 11.8, 16.7, 16.7]
    photos.run_suite(suite, [Candidate("ffdnet", "v1", run)], records)
    assert len(calls) == 10
    photos.run_suite(suite, [Candidate("ffdnet", "v1", run)], records, limit=1, refresh=True)
    assert len(calls) == 15
    photos.run_suite(suite, [Candidate("photo", "v1", run)], records)
    assert calls[15:] == [0, 0]
    assert photo_asked.best(records, "ffdnet", suite) == (14.0, pytest.approx(20 * np.log10(255)))
    assert photo_asked.best(records, "ffdnet", replace(suite, pictures=3)) is None


def filled(
    records: Records, method: str, suite: Suite, values: Callable[[int], dict[str, float]], level: float
) -> None:
    for index in range(suite.pictures):
        row = {"ssim": 0.9, "cpu_seconds_per_megapixel": 1.0} | values(index)
        records.add(Key(method, "v1", suite.name, level, f"{index:02}"), row)


def flat_value(psnr: float, **others: float) -> Callable[[int], dict[str, float]]:
    return lambda index: {"psnr_db": psnr, **others}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes suites of two pictures, so that a page is written in no time."""
    for suite in SUITES:
        monkeypatch.setitem(suite.__dict__, "pictures", 2)


@pytest.mark.usefixtures("small")
def test_the_page_of_a_made_up_result(records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_page, "FIGURE", tmp_path / "photos.jpg")
    bare = photo_page.page(records)
    assert bare.startswith("# Photos, measured") and "## In short" not in bare and "CC15" not in bare
    honest = {"coverage_68": 0.7, "coverage_90": 0.91, "coverage_95": 0.95, "sd_levels": 3.0, "rmse_levels": 3.1}
    filled(records, "input", CC15, flat_value(33.41), 0.0)
    filled(records, "enhance", CC15, flat_value(37.9, interval_90=0.88, **honest), 0.0)
    page = photo_page.page(records)
    assert "37.90 dB (input 33.41; BM3D not measured, NLM told σ not measured" in page and "| – | – |" in page
    for peer, best in (("bm3d", 36.5), ("nlm", 36.0), ("nlm-plain", 35.9), ("ffdnet", 37.7)):
        for level in (10.0, 11.8, 14.0, 16.7, 20.0):
            filled(records, peer, CC15, flat_value(best - abs(level - 14) / 10), level)
    page = photo_page.page(records)
    row = next(line for line in page.splitlines() if line.startswith("| CC15, told nothing"))
    assert "BM3D 36.50 at 14" in row and "FFDNet 37.70 at 14" in row and row.endswith("| yes | no |")
    assert "| FFDNet, colour | σ = 14 | 37.70 | 0.9000 | – |" in page
    assert "| **`enhance(path)`** | 70.0 % | 91.0 % | 95.0 % | 88.0 % | 3.00 | 3.10 |" in page
    assert "`enhance` leaves 60 %, without any setting." in page
    assert "holds 88 % of the true values of real photos, so it can be believed." in page
    assert "Kodak24" not in page and "photos.jpg" not in page
    (tmp_path / "photos.jpg").touch()
    assert "(figures/photos.jpg)" in photo_page.page(records)


@pytest.mark.usefixtures("small")
def test_the_page_tells_each_thing_that_was_asked(records: Records) -> None:
    for suite in JPEG.values():
        for level in suite.levels:
            for method, psnr in (("input", 27.0), ("open", 29.0), ("dejpeg", 29.5), ("enhance", 30.5)):
                filled(records, method, suite, flat_value(psnr), level)
    filled(records, "dejpeg", JPEG[25], flat_value(30.6), 95.0)  # above ours in one cell
    night = PHONE["night phone"]
    for method, psnr in (("input", 26.0), ("enhance", 29.5)):
        filled(records, method, night, flat_value(psnr), 0.0)
    for method in ("photo", "enhance"):
        filled(records, method, CLEAN, lambda index: {"psnr_db": 46.0 + 4 * index}, 0.0)
        filled(records, method, SCREENS, flat_value(44.9, chroma_levels=3.0, fringe_levels=2.0), 0.0)
    for sigma in WHITE.levels:
        filled(records, "open", WHITE, flat_value(32.0), sigma)
        filled(records, "photo", WHITE, flat_value(31.7), sigma)
    page = photo_page.page(records)
    verdicts = {
        line.split(" | ")[0]: line for line in page.splitlines() if line.endswith(("| yes | – |", "| no | – |"))
    }
    assert "by -0.10 dB in the worst cell | no" in verdicts["| Noise 10 or 25 and JPEG 60 to 95, Kodak24"]
    assert "+3.50 dB | yes" in verdicts["| Noise 10 and JPEG 75, Kodak24"]
    assert "+3.50 dB | yes" in verdicts["| Simulated night phone, Kodak24"]
    assert "48.0 dB on average, 46.0 dB at worst | yes" in verdicts["| Clean photo, by the weights alone"]
    assert (
        "44.9 dB at worst; the largest change of Cb or Cr is 3.0"
        in verdicts["| Clean screenshot, by the weights alone"]
    )
    assert (
        "-0.30 dB at σ = 15" in verdicts["| White noise, Kodak24, `denoise.photo` alone"]
        and "| yes |" in verdicts["| White noise, Kodak24, `denoise.photo` alone"]
    )
    assert "| **`enhance(path)`** | 48.00 | 46.0 | 44.9 | 3.0 | 2.0 |" in page
    assert "changes a clean photo by at most 1.3 grey levels" in page
    assert "`shot=0.004`" in page and "`tone=" not in page  # what is as by default is not told


@pytest.mark.usefixtures("small")
def test_the_page_tells_noise_by_strength_where_some_is_left(records: Records) -> None:
    noises = {0.0: 3.0, 0.5: 2.0, 1.0: 1.4, 2.0: 0.6, 3.0: 0.5}
    least = {"least_luma": 0.4, "least_chroma": 0.3}

    def values(noise: float) -> Callable[[int], dict[str, float]]:
        return lambda index: {"luma": noise - 0.7 * index, "chroma": noise / 2} | least

    for level, noise in noises.items():
        filled(records, "strength", STRENGTH, values(noise), level)
    page = photo_page.page(records)
    assert "luma 2.65, 1.65, 1.05, 0.25, 0.15 levels; 2 leaves 43 % of what 1 leaves, in 1 of 2 photos | yes" in page
    assert "Noise is left at strength 1 in 1 of 2 photos. There it is 1.40 levels of luma at 1, and 0.60 at 2." in page
    filled(records, "strength", STRENGTH, lambda index: {"luma": 1.0, "chroma": 0.3} | least, 3.0)
    assert "in 1 of 2 photos | no" in photo_page.page(records)  # it rises from 2 to 3


def test_a_call_is_known_by_what_it_answers() -> None:
    def scaled(factor: float) -> Callable[[Photo, float], Answer]:
        return lambda seen, level: Answer(seen.y * factor)

    assert (
        photo_methods.answers(scaled(0.9)) == photo_methods.answers(scaled(0.9)) != photo_methods.answers(scaled(0.8))
    )


def test_methods_of_the_suites_are_there_and_named_alike() -> None:
    assert {name for suite in SUITES for name in suite.methods} == set(photo_methods.METHODS)
    assert len({suite.name for suite in SUITES}) == len(SUITES)
    assert photo_methods.METHODS["input"].make({}).name == "input"


def test_weights_of_a_file_are_told_apart_from_those_that_ship(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    import vaezoo

    file = tmp_path / "w.safetensors"
    save_file(vaezoo.create("denoise-small", seed=0).state_dict(), file)
    seen = Photo(torch.rand(1, 3, 16, 24), torch.rand(1, 3, 16, 24), b"")
    whole, quarters = (
        photo_methods.alone("small", "denoise-small.photo", {"denoise-small": file}, quarters=q) for q in (False, True)
    )
    assert whole.identity != quarters.identity and "alone" in whole.identity
    answer = whole.run(seen, 0)
    assert answer.sd is not None and answer.image.shape == answer.sd.shape == (1, 3, 16, 24)
    assert quarters.run(seen, 0).image.shape == (1, 3, 16, 24)


def test_what_is_tried_is_kept_elsewhere_and_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "w.safetensors"
    file.touch()
    run = CliRunner().invoke
    refused = run(photos.main, ["--weights", f"denoise={file}"])
    assert refused.exit_code == 2 and "say with --results where its measurements are kept" in refused.output
    wrong = run(photos.main, ["--weights", "sr=nothing", "--results", str(tmp_path / "r.json")])
    assert wrong.exit_code == 2 and "Expected denoise=FILE" in wrong.output
    monkeypatch.delenv("VAEZOO_PEERS", raising=False)
    monkeypatch.setenv("VAEZOO_DATA", str(tmp_path))
    options = ["--parts", "cc15", "--methods", "input", "--methods", "ffdnet", "--results", str(tmp_path / "r.json")]
    done = run(photos.main, options)
    assert done.exit_code == 0 and "skipped: ffdnet: Expected FFDNet_color.mat" in done.output
    assert "skipped: cc15: CC15 is not there" in done.output and not (tmp_path / "r.json").exists()


def test_the_picture_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vaezoo.data.sets import Images

    pixels = list(np.random.default_rng(0).integers(0, 256, (2, 40, 48, 3), dtype=np.uint8))
    names = tuple(name for name, *_ in photos.SHOWN)
    monkeypatch.setattr(photos, "load_images", lambda name: Images("toy", pixels, "0" * 64, "CC0", names))
    monkeypatch.setattr(photos, "SHOWN", tuple((*shown[:2], 2, 2) for shown in photos.SHOWN))
    same = Candidate("open", "v1", lambda seen, level: Answer(seen.y))
    photos.draw({"open": same, "enhance": same}, tmp_path / "deep" / "photos.jpg")
    assert Image.open(tmp_path / "deep" / "photos.jpg").width > 600


def test_the_page_holds_what_was_measured() -> None:
    assert photo_page.page(Records(photos.RESULTS)) == photo_page.PAGE.read_text(encoding="utf-8")


def test_small_pictures_are_half_as_large_and_spoilt_by_the_level() -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (32, 48, 3)).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(pixels).resize((96, 64), Image.Resampling.BICUBIC))
    clean = photo_sets.small_noisy(pixels, 0.0, 0)
    assert clean.y.shape == (1, 3, 32, 48) and clean.x.shape == (1, 3, 64, 96)
    noisy, again = (photo_sets.small_noisy(pixels, 10.0, index) for index in (0, 1))
    assert 255 * (noisy.y - clean.y).std() == pytest.approx(10, rel=0.1) and not torch.equal(noisy.y, again.y)
    assert Image.open(io.BytesIO(noisy.file)).format == "PNG"
    good, bad = (photo_sets.small_jpeg(pixels, quality, 0) for quality in (95, 20))
    assert good.suffix == ".jpg" and F.mse_loss(good.y, clean.y) < F.mse_loss(bad.y, clean.y)


def test_what_is_asked_of_small_pictures_needs_every_level(records: Records) -> None:
    suite = SMALL["jpeg"]

    def measured(values: dict[str, float], level: float) -> list[photo_asked.Asked]:
        for name, value in values.items():
            for index in range(suite.pictures):
                records.add(Key(name, "v", suite.name, level, f"{index}"), {"psnr_db": value})
        return [row for row in photo_asked.asked(records) if row.what.startswith("`sr.photo`")]

    assert measured({"bicubic": 25.0, "cleaned-sr": 26.0, "sr-photo": 26.5}, 40.0) == []
    assert measured({"bicubic": 25.0, "cleaned-sr": 26.0, "sr-photo": 26.5}, 75.0)[0].reached
    assert not measured({"bicubic": 25.6}, 75.0)[0].reached
