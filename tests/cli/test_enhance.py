"""``vaezoo enhance`` end to end on real files, with a model that halves the picture's values."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from torch import Tensor, nn

from vaezoo.cli.enhance import enhance
from vaezoo.core import Noise
from vaezoo.errors import ConfigError, ImageError, UnknownName, WeightsError
from vaezoo.image import Picture, read_picture, write_picture


@pytest.fixture(autouse=True)
def darker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models here make a picture darker; denoising would put its mean colour back."""
    monkeypatch.setattr("vaezoo_denoise.denoise.lost_colour", lambda y, x_hat: torch.zeros(()))


class Halver(nn.Module):
    channels, stride, size = 3, 1, None

    def restore(self, y: Tensor, samples: int = 0, noise: Noise | None = None) -> SimpleNamespace:
        average = None if noise is None else y / 2 + noise.temperature * (0.1 + (noise.seed or 0) / 100)
        return SimpleNamespace(image=y / 2, scale=torch.full_like(y, 2 / 255), average=average)


@pytest.fixture(autouse=True)
def zoo(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(name: str, pretrained: bool | Path = False) -> Halver:
        if isinstance(pretrained, Path):
            raise WeightsError(f"No weights in {pretrained}.")
        if name != "denoise" or not pretrained:
            raise UnknownName(f"No model is called {name!r}.")
        return Halver()

    monkeypatch.setattr("vaezoo.publish.loading.create", create)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return picture(tmp_path / "photo.png")


def picture(path: Path, level: int = 200) -> Path:
    write_picture(Picture(np.full((12, 17, 3), level, np.uint8)), path)
    return path


def level(path: Path) -> int:
    return int(read_picture(path).pixels.max())


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(enhance, [str(argument) for argument in arguments])


def test_the_result_lies_beside_the_input(photo: Path) -> None:
    result = run(photo)
    assert result.exit_code == 0 and level(photo.with_name("photo.enhanced.png")) == 100 and level(photo) == 200
    assert "photo.enhanced.png" in result.stdout and "uncertainty 2.0 of 255 grey levels" in result.stdout
    assert result.stderr == ""


def test_a_task_and_its_option_reach_the_model(photo: Path) -> None:
    result = run(photo, "--task", "sr", "--model", "denoise", "--factor", 3, "--figure", "--json")
    (report,) = json.loads(result.stdout)["images"]
    assert read_picture(photo.with_name("photo.enhanced.png")).pixels.shape == (36, 51, 3)
    assert "consistency_levels" in report and Path(report["figure"]).is_file()
    wrong = run(photo, "--task", "denoise", "--factor", 3, "--overwrite")
    assert isinstance(wrong.exception, ConfigError) and "'denoise' has no option 'factor'" in str(wrong.exception)
    assert "noise about" in run(photo, "--sigma", 20, "--overwrite").stdout


@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        (("--factor", 1.5), (18, 26, 3)),
        (("--size", "34x"), (24, 34, 3)),
        (("--size", "100x30"), (30, 42, 3)),
        (("--megapixels", 0.000816), (24, 34, 3)),
    ],
)
def test_a_picture_is_enlarged_to_any_size(photo: Path, asked: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    assert run(photo, "--task", "sr", "--model", "denoise", *asked).exit_code == 0
    assert read_picture(photo.with_name("photo.enhanced.png")).pixels.shape == shape


def test_one_size_is_asked_for_and_a_larger_one(photo: Path) -> None:
    both = run(photo, "--task", "sr", "--model", "denoise", "--factor", 2, "--size", "34x")
    assert isinstance(both.exception, ConfigError) and "Expected a factor, a size or megapixels" in str(both.exception)
    small = run(photo, "--task", "sr", "--model", "denoise", "--size", "10x")
    assert isinstance(small.exception, ConfigError) and "size='10x' larger than the picture, 17x12" in str(
        small.exception
    )
    wrong = run(photo, "--task", "sr", "--model", "denoise", "--size", "large")
    assert isinstance(wrong.exception, ConfigError) and "such as 3000x, x2000" in str(wrong.exception)


@pytest.mark.parametrize("task", [(), ("--task", "sr")])
def test_a_generative_model_is_no_enhancer(photo: Path, task: tuple[str, ...]) -> None:
    result = run(photo, "--model", "conv-beta", *task)
    assert isinstance(result.exception, ConfigError) and result.exception.exit_code == 2
    assert "'conv-beta' generates them: its task is 'generate'. Take deblur, dejpeg, denoise" in str(result.exception)
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]
    told = json.loads(run(photo, "--model", "conv-beta", *task, "--json").stdout)
    assert told["error"] == "config" and "vaezoo list --task denoise" in told["message"]


def test_a_jpeg_file_is_projected_and_another_refused(photo: Path, tmp_path: Path) -> None:
    file = picture(tmp_path / "photo.jpg")
    told = ("--task", "dejpeg", "--model", "denoise", "--project")
    assert "% of what the file says was off" in run(file, *told, "-o", tmp_path / "out.png").stdout
    assert level(tmp_path / "out.png") >= 195
    wrong = run(photo, *told)
    assert isinstance(wrong.exception, ImageError) and "photo.png: expected a JPEG file" in str(wrong.exception)
    wrong = run(file, "--project")
    assert isinstance(wrong.exception, ConfigError) and "'denoise' has no option 'project'" in str(wrong.exception)


def test_output_may_be_a_file_or_a_folder(photo: Path, tmp_path: Path) -> None:
    run(photo, "-o", tmp_path / "out.tif")
    run(photo, "-o", tmp_path / "new" / "folder")
    assert level(tmp_path / "out.tif") == level(tmp_path / "new" / "folder" / "photo.png") == 100


def test_strength_tile_and_device_reach_the_model(photo: Path, tmp_path: Path) -> None:
    result = run(photo, "--strength", 0.5, "--tile", 8, "--device", "cpu", "--json")
    (report,) = json.loads(result.stdout)["images"]
    assert level(tmp_path / "photo.enhanced.png") == 150
    assert report["tile"] == 8 and report["device"] == "cpu" and report["uncertainty"] == pytest.approx(2 / 255, 1e-3)
    assert report["status"] == "written" and report["output"].endswith("photo.enhanced.png")


def test_luma_colour_and_the_tag_of_weights_are_told(photo: Path, tmp_path: Path) -> None:
    assert run(photo, "--luma", 0, "--chroma", 0).exit_code == 0
    assert level(tmp_path / "photo.enhanced.png") == 200
    wrong = run(photo, "--task", "sr", "--chroma", 1, "--overwrite")
    assert "'sr' has no option 'chroma'" in str(wrong.exception)
    for more in (("--model", "denoise.open"), ("--weights", tmp_path / "w.safetensors")):
        wrong = run(photo, "--weights-tag", "open", *more, "--overwrite")
        assert isinstance(wrong.exception, ConfigError)
        assert "one choice of weights, got the tag 'open'" in str(wrong.exception)


def test_detail_and_its_seed_reach_the_model_and_the_uncertainty(photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "detailed.png"
    assert run(photo, "-o", target, "--detail", 0.5, "--seed", 3, "--uncertainty").exit_code == 0
    assert level(target) == round(100 + 255 * 0.5 * 0.13)
    sd = np.load(tmp_path / "detailed.uncertainty.npz")["sd"]
    np.testing.assert_allclose(sd, np.hypot(2 / 255, 0.065), atol=1e-5)


def test_views_and_precision_reach_the_model(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, restore = [], Halver.restore

    def watched(self: Halver, y: Tensor) -> SimpleNamespace:
        seen.append((*y.shape[-2:], torch.is_autocast_enabled("cpu")))
        return restore(self, y)

    monkeypatch.setattr(Halver, "restore", watched)
    assert run(photo, "--self-ensemble", "--precision", "bf16").exit_code == 0
    assert sorted(seen) == [(12, 17, True)] * 4 + [(17, 12, True)] * 4
    assert level(tmp_path / "photo.enhanced.png") == 100


def test_a_gif_is_written_as_png(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (5, 4), 80).save(tmp_path / "a.gif")
    assert run(tmp_path / "a.gif").exit_code == 0 and level(tmp_path / "a.enhanced.png") == 40


def test_figure_is_drawn_beside_the_result(photo: Path, tmp_path: Path) -> None:
    report = json.loads(run(photo, "--figure", "--json").stdout)["images"][0]
    assert Path(report["figure"]) == tmp_path / "photo.enhanced.figure.png"
    assert read_picture(report["figure"]).pixels.shape[1] > 1000


def test_uncertainty_is_written_as_numbers_and_as_a_picture(photo: Path, tmp_path: Path) -> None:
    report = json.loads(run(photo, "--uncertainty", "--json").stdout)["images"][0]
    assert Path(report["uncertainty_npz"]) == tmp_path / "photo.enhanced.uncertainty.npz"
    assert Path(report["uncertainty_png"]) == tmp_path / "photo.enhanced.uncertainty.png"
    assert report["interval"] == {"level": 90, "method": "gaussian"}
    with np.load(report["uncertainty_npz"]) as file:
        assert file["sd"].shape == file["upper"].shape == (12, 17, 3)
        np.testing.assert_allclose(file["sd"], 2 / 255, rtol=1e-5)
        np.testing.assert_allclose(file["upper"] - file["lower"], 2 * 1.645 * 2 / 255, rtol=1e-3)
    assert read_picture(report["uncertainty_png"]).pixels.shape[2] >= 3
    said = run(photo, "--uncertainty", "--overwrite").stdout
    assert "photo.enhanced.uncertainty.npz" in said and "Gaussian: these weights have no calibration" in said


@pytest.mark.parametrize("ending", ["npz", "png"])
def test_existing_uncertainty_is_not_overwritten_either(photo: Path, tmp_path: Path, ending: str) -> None:
    there = tmp_path / f"photo.enhanced.uncertainty.{ending}"
    there.touch()
    result = run(photo, "--uncertainty")
    assert isinstance(result.exception, ConfigError) and f"{there.name} exists already" in str(result.exception)
    assert there.stat().st_size == 0 and not (tmp_path / "photo.enhanced.png").exists()
    assert run(photo, "--uncertainty", "--overwrite").exit_code == 0 and there.stat().st_size > 0


def test_what_is_written_beside_a_result_replaces_no_input_and_no_other_result(photo: Path, tmp_path: Path) -> None:
    other = picture(tmp_path / "photo.enhanced.uncertainty.png")
    result = run(photo, other, "--uncertainty", "--overwrite")
    assert isinstance(result.exception, ConfigError) and "is an input itself" in str(result.exception)
    assert level(other) == 200
    like = picture(tmp_path / "photo.uncertainty.png")
    result = run(photo, like, "-o", tmp_path / "out", "--uncertainty")
    assert isinstance(result.exception, ConfigError) and "would both be written to" in str(result.exception)
    assert run(photo, like, "-o", tmp_path / "out").exit_code == 0


def test_a_model_without_uncertainty_fails_before_anything_is_written(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Halver, "restore", lambda self, y: SimpleNamespace(image=y / 2, scale=None))
    result = run(photo, "--uncertainty")
    assert isinstance(result.exception, ConfigError) and "predicts no uncertainty" in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_a_task_that_states_no_uncertainty_is_refused_before_the_work(photo: Path, tmp_path: Path) -> None:
    kernel = picture(tmp_path / "kernel.png")
    result = run(photo, "--task", "deblur", "--kernel", kernel, "--uncertainty", "--weights", "none")
    assert isinstance(result.exception, ConfigError)
    assert "The task 'deblur' states no uncertainty. Leave --uncertainty out." in str(result.exception)


def test_nothing_is_overwritten_unasked(photo: Path, tmp_path: Path) -> None:
    target = picture(tmp_path / "photo.enhanced.png", level=7)
    result = run(photo)
    assert isinstance(result.exception, ConfigError)
    assert "photo.enhanced.png exists already. Overwrite it, skip what exists" in str(result.exception)
    assert level(target) == 7
    assert "1 skipped" in run(photo, "--skip-existing").stdout and level(target) == 7
    assert run(photo, "--overwrite").exit_code == 0 and level(target) == 100


def test_an_existing_figure_is_not_overwritten_either(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.enhanced.figure.png").touch()
    result = run(photo, "--figure")
    assert "photo.enhanced.figure.png exists already" in str(result.exception)
    assert not (tmp_path / "photo.enhanced.png").exists()


def test_the_input_is_never_overwritten(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(photo)
    for output in (photo, tmp_path / "link.png", tmp_path):
        result = run(photo, "-o", output, "--overwrite")
        assert isinstance(result.exception, ConfigError) and "is the input itself" in str(result.exception)
    assert level(photo) == 200


@pytest.mark.parametrize("beside", ["figure", "uncertainty"])
def test_the_input_is_not_replaced_by_what_is_written_beside_its_result(tmp_path: Path, beside: str) -> None:
    photo = picture(tmp_path / f"a.{beside}.png")
    result = run(photo, "-o", tmp_path / "a.png", f"--{beside}", "--overwrite")
    assert isinstance(result.exception, ConfigError) and f"a.{beside}.png is the input itself" in str(result.exception)
    assert level(photo) == 200 and not (tmp_path / "a.png").exists()


def test_a_folder_spelt_another_way_hides_no_input(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    other = picture(tmp_path / "photo.enhanced.figure.png")
    (tmp_path / "pointer.png").symlink_to(other)
    for spelt in (tmp_path / "link" / other.name, tmp_path / "pointer.png"):
        result = run(photo, spelt, "--figure", "--overwrite")
        assert isinstance(result.exception, ConfigError) and "is an input itself" in str(result.exception)
    assert level(other) == 200


@pytest.mark.parametrize("end", [KeyboardInterrupt, ImageError, MemoryError])
def test_a_result_that_is_cut_short_leaves_nothing_beside_it(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        assert (tmp_path / "photo.enhanced.uncertainty.npz").exists()
        raise end("no space")

    with monkeypatch.context() as patched:
        patched.setattr("vaezoo.image.file.files.write_picture", stop)
        result = run(photo, "--uncertainty", "--figure")
    assert result.exit_code and list(tmp_path.iterdir()) == [photo]
    if end is MemoryError:
        assert isinstance(result.exception, ImageError)
        assert f"Memory does not suffice for {photo}. Give a smaller tile" in str(result.exception)
    assert run(photo, "--uncertainty", "--figure", "--skip-existing").exit_code == 0


def test_what_a_killed_run_left_is_replaced_when_asked(photo: Path, tmp_path: Path) -> None:
    left = tmp_path / "photo.enhanced.uncertainty.npz"
    left.touch()
    result = run(photo, "--uncertainty", "--skip-existing")
    assert "a run was probably interrupted. Overwrite it: that replaces no image" in str(result.exception)
    assert run(photo, "--uncertainty", "--skip-existing", "--overwrite").exit_code == 0 and left.stat().st_size


def test_sigterm_ends_as_an_interrupt_does(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("vaezoo.image.file.files.write_picture", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    result = run(photo, "--uncertainty")
    assert result.exit_code == 143 and list(tmp_path.iterdir()) == [photo]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_folder_goes_on_after_a_bad_file_and_again(tmp_path: Path) -> None:
    for name in ("a.png", "c.png"):
        picture(tmp_path / name)
    (tmp_path / "b.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").touch()
    result = run(tmp_path)
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert "b.png: expected a JPEG, PNG" in result.stderr and "1 of 3 failed." in result.stderr
    assert level(tmp_path / "a.enhanced.png") == level(tmp_path / "c.enhanced.png") == 100
    again = json.loads(run(tmp_path, "--skip-existing", "--json").stdout)["images"]
    assert [report["status"] for report in again] == ["skipped", "failed", "skipped"]
    assert again[1]["error"] == "image" and "begins with b'no pictu'" in again[1]["message"]


def test_the_first_failure_gives_the_exit_code(photo: Path, tmp_path: Path) -> None:
    picture(tmp_path / "photo.enhanced.png")
    result = run(photo, tmp_path / "missing.png")
    assert result.exit_code == ConfigError.exit_code and "2 of 2 failed." in result.stderr
    assert "missing.png cannot be read: no such file." in result.stderr


def test_a_single_failure_is_raised(tmp_path: Path) -> None:
    assert isinstance(run(tmp_path / "missing.png").exception, ImageError)


def test_weights_of_ones_own_reach_the_zoo(photo: Path) -> None:
    result = run(photo, "--weights", "mine.safetensors")
    assert isinstance(result.exception, WeightsError) and "mine.safetensors" in str(result.exception)


def test_an_unknown_model_ends_the_run(photo: Path) -> None:
    result = run(photo, "--model", "nothing")
    assert isinstance(result.exception, UnknownName)


def test_a_file_in_place_of_a_folder_is_refused(photo: Path, tmp_path: Path) -> None:
    other = picture(tmp_path / "other.png")
    result = run(photo, other, "-o", picture(tmp_path / "out.png"))
    assert "out.png is a file; several inputs need a folder" in str(result.exception)
    result = run(photo, "-o", other / "below")
    assert isinstance(result.exception, ImageError) and "a file is where its folder should be" in str(result.exception)


def test_a_picture_that_is_named_twice_is_enhanced_once(photo: Path, tmp_path: Path) -> None:
    again = tmp_path / "." / ".." / tmp_path.name / photo.name
    result = run(photo, tmp_path, again, "--json")
    assert result.exit_code == 0, result.output
    assert [entry["input"] for entry in json.loads(result.stdout)["images"]] == [str(photo)]


def test_two_inputs_for_one_output_are_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        picture(tmp_path / folder / "a.png")
    result = run(tmp_path / "one", tmp_path / "two", "-o", tmp_path / "out")
    assert isinstance(result.exception, ConfigError) and "would both be written to" in str(result.exception)


def test_an_input_is_not_the_output_of_another(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (5, 4), 80).save(tmp_path / "a.gif")
    other = picture(tmp_path / "a.enhanced.png")
    result = run(tmp_path / "a.gif", other, "--overwrite")
    assert isinstance(result.exception, ConfigError) and "is an input itself" in str(result.exception)
    assert level(other) == 200


def test_hidden_files_and_folders_are_no_pictures(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "._photo.png").write_bytes(b"what some systems leave beside a file")
    (tmp_path / "album.png").mkdir()
    assert run(tmp_path).exit_code == 0


def test_pictures_that_differ_in_format_have_each_their_figure(photo: Path, tmp_path: Path) -> None:
    picture(tmp_path / "photo.jpg")
    reports = json.loads(run(tmp_path, "--figure", "--json").stdout)["images"]
    assert {Path(report["figure"]).name for report in reports} == {
        "photo.enhanced.figure.png",
        "photo.enhanced.jpg.figure.png",
    }


def test_a_format_that_cannot_be_written_is_refused_before_the_work(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Halver, "restore", None)
    result = run(photo, "-o", tmp_path / "out.xyz")
    assert isinstance(result.exception, ImageError) and "no format that can be written" in str(result.exception)


def test_a_long_name_is_written_or_refused_by_name(tmp_path: Path) -> None:
    long = picture(tmp_path / f"{'月' * 80}.png")
    assert run(long, "-o", tmp_path / "out").exit_code == 0
    result = run(tmp_path / ("a" * 300 + ".png"))
    assert isinstance(result.exception, ImageError) and "cannot be read" in str(result.exception)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert isinstance(result.exception, ImageError) and "holds no picture" in str(result.exception)


def test_quiet_prints_nothing(photo: Path) -> None:
    result = run(photo, "--quiet")
    assert result.exit_code == 0 and result.output == ""


def test_an_empty_text_is_not_the_current_folder(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (("",), (photo, "-o", "")):
        result = run(*arguments)
        assert result.exit_code == 2 and "Expected a file or folder, got an empty text" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_what_is_there_but_no_ordinary_file_is_said_to_be_so(photo: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    result = run(tmp_path / "pipe.png", photo, "-o", tmp_path / "out")
    assert result.exit_code == 1 and "pipe.png cannot be read: it is no ordinary file." in result.stderr
    assert level(tmp_path / "out" / "photo.png") == 100
    result = run(photo / "inside.png")
    assert isinstance(result.exception, ImageError) and "Not a directory" in str(result.exception)


def test_one_unreadable_file_does_not_stop_the_others(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = picture(tmp_path / "shut.png")
    opened = Path.open

    def refuse(path: Path, *arguments: Any, **more: Any) -> Any:
        if path == shut:
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **more)

    monkeypatch.setattr(os, "access", lambda path, *_, **__: path not in (shut, str(shut)))
    monkeypatch.setattr(Path, "open", refuse)
    result = run(shut, photo, "-o", tmp_path / "out")
    assert result.exit_code == 1 and "shut.png cannot be read: Permission denied." in result.stderr
    assert level(tmp_path / "out" / "photo.png") == 100


@pytest.mark.parametrize("bad", ["empty", "text", "cut", "animation"])
def test_a_folder_with_one_bad_file(photo: Path, tmp_path: Path, bad: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    content = {
        "empty": b"",
        "text": b"hello",
        "cut": photo.read_bytes()[:-30],
        "animation": (tmp_path / "a.webp").read_bytes(),
    }
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "bad.webp").write_bytes(content[bad])
    picture(folder / "good.png")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = run(folder, "-o", tmp_path / "out")
    assert result.exit_code == 1 and "bad.webp" in result.stderr and "1 of 2 failed." in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_exif_of_a_tiff_survives(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271] = "ACME"
    exif.get_ifd(0x8769)[34855] = 400
    write_picture(Picture(np.full((12, 17, 3), 40000, np.uint16), exif=exif.tobytes()), tmp_path / "a.tif")
    assert run(tmp_path / "a.tif").exit_code == 0
    found = Image.open(tmp_path / "a.enhanced.tif").getexif()
    assert found[271] == "ACME" and found.get_ifd(0x8769)[34855] == 400
    assert read_picture(tmp_path / "a.enhanced.tif").bits == 16


def test_json_is_printed_also_when_nothing_could_be_begun(vaezoo, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.png").write_bytes(b"")
    for words, kind, number in (
        ((str(tmp_path / "empty"),), "image", 0),
        ((str(tmp_path / "a.png"), "--model", "nothing"), "unknown-name", 1),
        ((str(tmp_path / "a.png"), str(tmp_path / "a.jpg"), "-o", str(tmp_path / "a.png")), "config", 0),
    ):
        code, out, err = vaezoo("enhance", *words, "--json")
        told = json.loads(out)
        assert told["error"] == kind and told["message"] in err and len(told["images"]) == number and code


def test_a_command_without_an_output_enhances_all_the_same(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "gray").save(tmp_path / "photo.png")
    code = "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-m', 'vaezoo', *sys.argv[1:]])"
    options = ["enhance", str(tmp_path / "photo.png"), "-o", str(tmp_path / "out.png"), "--model", "denoise-small"]
    done = subprocess.run([sys.executable, "-c", code, *options], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0 and (tmp_path / "out.png").is_file() and "Traceback" not in done.stderr
