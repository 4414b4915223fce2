"""The comparison end to end on small pictures, with a method that costs nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmarks import restoration
from benchmarks.records import Key, Records
from benchmarks.restorers import classical, frontier, methods, report, suites
from benchmarks.restorers.methods import Method, Result
from benchmarks.restorers.suites import METHODS, SUITES, Suite
from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError, DataMissing
from vaezoo.host.manager import current_zoo
from vaezoo.registry.entries import HOUSE
from vaezoo.restore import Restorer
from vaezoo.restore.task import make_task, task_class

TOY = Suite("denoise", "toy", 2, ("noisy", "nlm", "bm3d", "denoise"))


@pytest.fixture
def images() -> Images:
    pixels = np.random.default_rng(0).integers(90, 160, size=(2, 24, 36, 3), dtype=np.uint8)
    return Images("toy", list(pixels), "0" * 64, "CC0", ("01", "02"))


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "restoration.json")


def fake(name: str = "denoise", identity: str = "v1", shift: float = 0.0) -> Method:
    return Method(name, identity, lambda y, level, task: Result(y + shift, torch.full_like(y, level / 255)))


def test_nothing_is_measured_twice_unless_asked(images: Images, records: Records) -> None:
    calls: list[float] = []
    counted = Method("denoise", "v1", lambda y, level, task: Result(calls.append(level) or y))  # type: ignore[func-returns-value]
    for refresh, expected in ((False, 4), (False, 4), (True, 8)):
        restoration.run(TOY, [counted], images, [15, 25], records, refresh)
        assert len(calls) == expected


def test_a_method_is_asked_only_for_the_levels_it_can_do(images: Images, records: Records) -> None:
    restoration.run(TOY, [Method("nlm", "v1", fake().run, levels=(15.0,))], images, [15, 25], records, False)
    assert records.levels("toy") == [15]


def test_the_page_says_what_was_measured(
    images: Images, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "DOCS", tmp_path)
    monkeypatch.setattr(report, "SUITES", (TOY,))
    monkeypatch.setattr(report, "TILED", "toy")
    monkeypatch.setattr(restoration, "ROOT", tmp_path)
    restoration.run(TOY, [methods.unchanged("noisy"), fake()], images, [25], records, False)
    restoration.run_tiled(TOY, fake(), fake("denoise-tiled", shift=2 / 255), images, 25, records, False)
    report.write(records, {})
    page = (tmp_path / "restoration.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| **`denoise`**"))
    assert "| no | 20.2" in row and row.endswith("| 1 × |")
    assert "BM3D" not in page and "### toy: 2 colour pictures" in page
    assert "no value by more than 2 of 255 grey levels" in page
    assert "The furthest from nominal is the" in page and "`denoise`: v1" in page
    assert (tmp_path / "runs" / "tiled-minus-whole" / "toy-01.png").exists()


def test_without_our_model_the_time_is_relative_to_another(images: Images, records: Records) -> None:
    from benchmarks.restorers.tables import honesty, quality

    restoration.run(TOY, [fake("nlm")], images, [25], records, False)
    assert "CPU time, of non-local means (scikit-image)'s" in quality(records, TOY)
    assert honesty(records, TOY, "denoise") == "" and "within" in honesty(records, TOY, "nlm")


def test_super_resolution_is_measured_on_luma_inside_a_border(images: Images, records: Records) -> None:
    suite = Suite("sr", "toy", 2, ("bicubic", "lanczos"))
    restoration.run(suite, [classical.bicubic(), classical.lanczos()], images, [2, 3], records, False)
    x, y, task = task_class("sr").example(restoration.picture(images, 0), 3, 0)
    assert y.shape == (1, 3, 8, 12)
    from vaezoo.image import psnr_db
    from vaezoo.image.metrics import luma

    x_hat = classical.bicubic().run(y, 3, task).image
    values = restoration.measure(suite, classical.bicubic(), task_class("sr").example(x, 3, 0), 3)
    assert values["psnr_db"] == pytest.approx(psnr_db(luma(x_hat.clamp(0, 1)), luma(x), border=3).item())
    assert records.pictures("lanczos", "sr:toy", 3) == ["01", "02"]


def test_the_page_says_how_far_an_enlarged_picture_is_from_its_input(records: Records) -> None:
    suite = next(suite for suite in SUITES if suite.name == "sr:set5")
    values = {"psnr_db": 30.0, "ssim": 0.9, "cpu_seconds_per_megapixel": 1.0}
    records.add(Key("sr", "v1", suite.name, 2.0, "baby"), values | {"consistency_levels": 0.4})
    page = "".join(report.suite_parts(records, suite, None))
    assert "no result of `sr` is more than 0.4 of 255 grey levels" in page
    assert "30.00 / 0.9000 (measured on 1 of 5 pictures)" in page


def suite_of(task: str) -> Suite:
    return next(suite for suite in SUITES if suite.task == task)


def test_peers_without_learning_remove_noise() -> None:
    pytest.importorskip("skimage")
    for channels, chosen in (
        (3, [classical.nlm(), classical.wavelet(), classical.tv()]),
        (1, [classical.nlm(), classical.wavelet(colour=False), classical.tv()]),
    ):
        example = task_class("denoise").example(torch.full((1, channels, 48, 48), 0.5), 25, 0)
        for method in chosen:
            values = restoration.measure(TOY, method, example, 25)
            assert values["psnr_db"] > 27 and values["cpu_seconds_per_megapixel"] > 0
        assert restoration.measure(TOY, methods.unchanged("noisy"), example, 25)["psnr_db"] == pytest.approx(
            20.2, abs=0.2
        )


def test_total_variation_smooths_what_jpeg_did() -> None:
    pytest.importorskip("skimage")
    suite = suite_of("dejpeg")
    slope = torch.linspace(0.2, 0.8, 64).expand(1, 1, 64, 64) + torch.eye(64) * 0.1
    example = suite.protocol.example(slope, 10, 0)
    before = restoration.measure(suite, methods.unchanged("jpeg"), example, 10)
    assert restoration.measure(suite, classical.tv_jpeg(), example, 10)["psnr_db"] != before["psnr_db"]
    assert classical.tv_jpeg().levels == suite.protocol.levels


def test_deconvolution_undoes_a_blur_that_it_is_told() -> None:
    pytest.importorskip("skimage")
    x = torch.zeros(1, 3, 48, 40)
    x[..., 12:30, 10:25] = 1.0
    kernel = torch.full((5, 3), 1 / 15, dtype=torch.float64)
    y = F.conv2d(F.pad(x, (1, 1, 2, 2), mode="circular"), kernel.float().expand(3, 1, 5, 3), groups=3)
    error = (y - x).square().mean()
    for method in (classical.wiener(), classical.richardson_lucy()):
        image = method.run(y, 0, SimpleNamespace(kernel=kernel)).image  # type: ignore[arg-type]
        assert image.shape == x.shape and (image.clamp(0, 1) - x).square().mean() < 0.5 * error


def test_an_unsharp_mask_undoes_a_part_of_a_blur_that_nobody_tells() -> None:
    pytest.importorskip("skimage")
    suite = suite_of("blind-deblur")
    waves = torch.linspace(0, 40, 96).sin() * torch.linspace(0, 30, 64)[:, None].cos()
    example = suite.protocol.example((0.5 + 0.4 * waves).expand(1, 3, 64, 96), 1, 0)
    before = restoration.measure(suite, methods.unchanged("blurred"), example, 1)["psnr_db"]
    assert restoration.measure(suite, classical.unsharp(), example, 1)["psnr_db"] > before + 0.5


def test_a_kernel_that_others_are_told_is_kept_from_the_blind(tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from vaezoo_deblur.deblur import Deblur

    import vaezoo

    save_file(vaezoo.create("deblur", seed=0).state_dict(), tmp_path / "w.safetensors")
    method = methods.untold(tmp_path / "w.safetensors")
    y, kernel = torch.rand(1, 3, 24, 32), torch.ones(3, 3) / 9
    expected = methods.model("deblur", tmp_path / "w.safetensors").run(y, 1, make_task("deblur")).image
    assert torch.equal(method.run(y, 1, Deblur(kernel, sigma=2.55)).image, expected) and method.levels == (1,)


def test_peers_without_learning_light_a_dark_picture() -> None:
    pytest.importorskip("skimage")
    suite = suite_of("lowlight")
    waves = torch.linspace(0, 9, 96).sin() * torch.linspace(0, 5, 64)[:, None].cos()
    example = suite.protocol.example((0.45 + 0.3 * waves).expand(1, 3, 64, 96), 0.2, 0)
    before = restoration.measure(suite, methods.unchanged("dark"), example, 0.2)["psnr_db"]
    for method in (classical.gamma(), classical.clahe(), classical.equalise(), classical.exposed()):
        assert restoration.measure(suite, method, example, 0.2)["psnr_db"] > before + 2, method.name
    image = classical.gamma().run(example.y, 0.2, example.task).image
    assert image.mean().item() == pytest.approx(classical.GAMMA_MEAN, abs=1e-3)
    exposed = restoration.measure(suite, classical.exposed(), example, 0.2)["psnr_db"]
    assert exposed > 30  # what is left is noise


def test_an_option_of_the_task_is_part_of_the_name_and_of_what_ran(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    import vaezoo

    save_file(vaezoo.create("lowlight", seed=0).state_dict(), tmp_path / "w.safetensors")
    method = methods.model("lowlight", tmp_path / "w.safetensors", denoise=False)
    assert method.name == "lowlight-denoise-false" and method.identity.endswith(", denoise=False")
    y = torch.rand(1, 3, 24, 32) * 0.3
    assert torch.equal(
        method.run(y, 0.2, task_class("lowlight")()).image,
        task_class("lowlight")(denoise=False).restore(restorer_of(tmp_path / "w.safetensors"), y).image,  # type: ignore[call-arg]
    )


def restorer_of(weights: Path) -> Restorer:
    import vaezoo

    return Restorer(vaezoo.create("lowlight", pretrained=weights))


def test_every_suite_names_methods_that_there_are() -> None:
    assert {name for suite in suites.SUITES for name in suite.methods} == set(METHODS)
    shipped = {
        name for name, owner, _ in current_zoo().registry.kinds["task"].all() if owner.partition(":")[0] == HOUSE
    }
    assert {suite.task for suite in SUITES} == shipped
    assert len({suite.name for suite in SUITES}) == len(SUITES)
    for suite in SUITES:
        assert suite.own in suite.methods and METHODS[suite.own].own and suite.task in report.TASKS


def test_a_weight_file_is_part_of_what_ran(tmp_path: Path) -> None:
    import hashlib

    from safetensors.torch import save_file

    import vaezoo

    save_file(vaezoo.create("denoise", seed=0).state_dict(), tmp_path / "w.safetensors")
    method = methods.model("denoise", tmp_path / "w.safetensors", tile=32)
    assert method.name == "denoise-tiled"
    assert hashlib.sha256((tmp_path / "w.safetensors").read_bytes()).hexdigest() in method.identity
    result = method.run(torch.rand(1, 3, 40, 24), 25, task_class("denoise")())
    assert result.scale is not None and result.image.shape == result.scale.shape == (1, 3, 40, 24)
    assert "noise_levels" in result.facts


def test_a_model_that_is_blind_is_not_compared_as_told(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    import vaezoo

    save_file(vaezoo.create("sr", seed=0).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match="'sr' cannot be told the noise level"):
        methods.model("sr", tmp_path / "w.safetensors", told=True)


def test_what_is_not_there_is_skipped_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VAEZOO_PEERS", raising=False)
    assert list(restoration.available(["imdn", "bicubic"], None, strict=False)) == ["bicubic"]
    assert "skipped: imdn: Expected IMDN_x2.pth in a folder of $VAEZOO_PEERS" in capsys.readouterr().out
    with pytest.raises(DataMissing, match="none is set"):
        restoration.available(["imdn"], None, strict=True)


def test_the_frontier_leads_from_fast_to_good(images: Images, records: Records, tmp_path: Path) -> None:
    point = frontier.Point
    found = [point("a", 1, 30, False), point("b", 2, 29, False), point("c", 3, 31, True)]
    assert [p.label for p in frontier.leading(found)] == ["a", "c"]
    frontier.draw(found, "toy", tmp_path / "deep" / "frontier.png")
    assert (tmp_path / "deep" / "frontier.png").stat().st_size > 5000
    restoration.run(TOY, [methods.unchanged("noisy"), fake()], images, [25], records, False)
    restoration.run(TOY, [fake("nlm")], restoration.first(images, 1), [25], records, False)
    assert [p.label for p in frontier.points(records, TOY, 25)] == ["denoise"]
