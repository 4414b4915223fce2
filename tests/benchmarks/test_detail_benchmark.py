"""What `benchmarks.studies.detail` measures, on signals whose figures are known, and the page it writes."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from matplotlib.image import imread
from safetensors.torch import save_file

from benchmarks.studies import detail
from vaezoo import create
from vaezoo.data import sets
from vaezoo.data.sets import Images
from vaezoo.restore.restorer import Restoration


def wave(frequency: float) -> torch.Tensor:
    row = 0.5 + 0.2 * torch.sin(2 * math.pi * frequency * torch.arange(256))
    return row.expand(1, 3, 256, 256)


def test_the_finest_octave_is_from_a_quarter_to_half_a_cycle() -> None:
    low, high = (detail.octave_power(wave(f)) for f in (0.125, 0.375))
    assert high > 1e4 * low
    assert detail.octave_power(0.5 * wave(0.375)) == pytest.approx(0.25 * high)


def test_the_figures_of_a_result_whose_errors_are_known() -> None:
    torch.manual_seed(0)
    x, scale = torch.rand(1, 3, 256, 256), torch.full((1, 3, 256, 256), 0.1)
    mean = x + 0.1 * torch.randn_like(x)
    faithful = detail.measure(x, Restoration(mean, scale, 256))
    assert faithful["coverage_90"] == pytest.approx(0.9, abs=0.01) and faithful["invented"] == 0
    assert "rank_correlation" not in faithful
    drawn = detail.measure(x, Restoration(mean, scale, 256, average=mean + scale * torch.randn_like(x)))
    assert drawn["invented"] == pytest.approx(1, abs=0.02)
    assert drawn["psnr_db"] < faithful["psnr_db"] < 22
    assert drawn["log_octave"] > faithful["log_octave"] > 0
    with pytest.raises(click.ClickException, match="states no sd"):
        detail.measure(x, Restoration(mean, None, 256))


def test_it_measures_draws_and_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(90, 160, size=(2, 128, 136, 3), dtype=np.uint8)
    monkeypatch.setattr(sets, "load_images", lambda name, gray=False: Images("toy", list(pixels), "3" * 64, "CC0"))
    page, results, picture = (tmp_path / name for name in ("detail.md", "detail.json", "detail.jpg"))
    page.write_text("a\n<!-- measured -->\n<!-- /measured -->\nb\n")
    for name, value in {"PAGE": page, "RESULTS": results, "PICTURE": picture}.items():
        monkeypatch.setattr(detail, name, value)
    for name, value in {"SAMPLES": 2, "SHOWN": 32, "PLACES": ((0, 32, 32), (1, 32, 32)), "SIGMAS": (25.0,)}.items():
        monkeypatch.setattr(detail, name, value)
    alone = CliRunner().invoke(detail.main, ["--models", "denoise-detail", "--data", "toy"])
    assert alone.exit_code == 1 and "no weights on the shelf: train it, and pass --weights" in alone.output
    weights = tmp_path / "ema.safetensors"
    save_file(create("denoise-detail").state_dict(), weights)
    done = CliRunner().invoke(detail.main, ["--data", "toy", "--weights", str(weights)])
    assert done.exit_code == 0, done.output
    record = json.loads(results.read_text())["denoise-detail"]
    assert record["pictures"] == 2 and record["sigmas"]["25"]["knobs"]["0"]["invented"] == 0
    assert record["weights"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    text = page.read_text()
    assert text.startswith("a\n") and text.endswith("b\n") and "| 25 | `denoise-small` | 0.5 |" in text
    assert imread(picture).std() > 0.05
    picture.unlink()
    assert CliRunner().invoke(detail.main, ["--write"]).exit_code == 0 and not picture.exists()
    assert page.read_text() == text


def test_the_page_holds_what_was_measured() -> None:
    text = detail.PAGE.read_text(encoding="utf-8")
    assert detail.renewed(text) == text
