"""The noisy files of the self-taught denoiser: nothing clipped, and the page says what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.studies import selftaught
from vaezoo.data.sets import Images
from vaezoo.image.damage.degradations import gaussian_noise


def test_a_file_of_half_contrast_holds_the_noise_unclipped() -> None:
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    noisy = gaussian_noise(x, selftaught.SIGMA, 0)
    again = selftaught.shown(selftaught.stored(noisy))
    assert float((again - noisy).abs().max()) <= 0.5 / 255 / selftaught.CONTRAST + 1e-6  # the rounding to 8 bits alone


def test_files_are_written_in_order_and_hold_no_clean_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = [np.full((32, 48, 1), level, np.uint8) for level in (60, 200)]
    images = Images("set12", clean, "0" * 64, "none", ("b", "a"))
    monkeypatch.setattr(selftaught, "load_images", lambda name, gray: images)
    files = selftaught.write_noisy(tmp_path, "set12", None)
    assert [file.name for file in files] == ["set12-b.png", "set12-a.png"]
    for file, picture in zip(files, clean, strict=True):
        seen = selftaught.shown(selftaught.opened(file))
        assert seen.shape == (1, 3, 32, 48) and torch.equal(seen[:, 0], seen[:, 2])
        assert float((seen[0, 0] - float(picture[0, 0, 0]) / 255).std()) == pytest.approx(25 / 255, rel=0.1)
    assert Image.open(files[0]).mode == "L"


def test_the_page_has_the_results_that_are_kept() -> None:
    text = selftaught.PAGE.read_text(encoding="utf-8")
    assert selftaught.renewed(text) == text
