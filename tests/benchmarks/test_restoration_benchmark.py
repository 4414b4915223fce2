"""The comparison end to end on small pictures, with a method that costs nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import methods, report, restoration
from benchmarks.records import Records
from vaezoo.train.sets import Images


@pytest.fixture
def images() -> Images:
    pixels = np.random.default_rng(0).integers(90, 160, size=(2, 16, 20, 3), dtype=np.uint8)
    return Images("toy", list(pixels), "0" * 64, "CC0", ("01", "02"))


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "restoration.json")


def fake(name: str = "denoise", identity: str = "v1", shift: float = 0.0) -> methods.Method:
    return methods.Method(name, identity, lambda y, sigma: (y + shift, torch.full_like(y, sigma / 255)))


def test_nothing_is_measured_twice_unless_asked(images: Images, records: Records) -> None:
    calls: list[float] = []
    counted = methods.Method("denoise", "v1", lambda y, sigma: (calls.append(sigma) or y, None))  # type: ignore[func-returns-value]
    for refresh, expected in ((False, 4), (False, 4), (True, 8)):
        restoration.run([counted], images, [15, 25], records, refresh)
        assert len(calls) == expected


def test_the_page_says_what_was_measured(
    images: Images, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "DOCS", tmp_path)
    monkeypatch.setattr(restoration, "ROOT", tmp_path)
    restoration.run([methods.noisy(), fake()], images, [25], records, False)
    restoration.run_tiled(fake(), fake("denoise-tiled", shift=2 / 255), images, 25, records, False)
    report.write(records, {"toy": images.names}, [15, 25])
    page = (tmp_path / "restoration.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| **`denoise`**"))
    assert "| no | – | 20.2" in row and row.endswith("| 1 × |")
    assert "| BM3D, colour (bm3d) | yes | – | – | – |" in page
    assert "no value by more than 2 of 255 grey levels" in page
    assert "The furthest from nominal is the" in page and "`denoise`**: v1" in page
    assert (tmp_path / "runs" / "tiled-minus-whole" / "toy-01.png").exists()


def test_a_peer_that_is_told_sigma_removes_noise(images: Images) -> None:
    pytest.importorskip("skimage")
    x = torch.full((1, 3, 48, 48), 0.5)
    for method in (methods.nlm(), methods.wavelet()):
        values = restoration.measure(method, x, 0, 25)
        assert values["psnr_db"] > 28 and values["cpu_seconds_per_megapixel"] > 0
    assert restoration.measure(methods.noisy(), x, 0, 25)["psnr_db"] == pytest.approx(20.2, abs=0.2)


def test_a_weight_file_is_part_of_what_ran(tmp_path: Path) -> None:
    import hashlib

    from safetensors.torch import save_file

    import vaezoo

    save_file(vaezoo.create("denoise", seed=0).state_dict(), tmp_path / "w.safetensors")
    method = methods.model("denoise", tmp_path / "w.safetensors", tile=32)
    assert method.name == "denoise-tiled"
    assert hashlib.sha256((tmp_path / "w.safetensors").read_bytes()).hexdigest() in method.identity
    x_hat, scale = method.run(torch.rand(1, 3, 40, 24), 25)
    assert scale is not None and x_hat.shape == scale.shape == (1, 3, 40, 24)
