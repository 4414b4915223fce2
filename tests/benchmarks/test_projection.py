"""What projection gains, measured with a model that blurs, and the method of the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data
from vaezoo_dejpeg.dejpeg import Dejpeg

import vaezoo
from benchmarks.restorers import methods
from benchmarks.studies import projection
from tests.restore.fakes import Smoother
from vaezoo.data.sets import Images
from vaezoo.restore import Restorer

CAT = torch.from_numpy(data.chelsea()[:96, 100:220].transpose(2, 0, 1) / np.float32(255))[None]


def test_a_model_that_blurs_gains_and_is_outside_no_more() -> None:
    row = projection.measure(Restorer(Smoother()), CAT, 50, None)
    assert row.rgb[1] > row.rgb[0] + 0.5 and row.y[1] > row.y[0] + 0.5
    assert row.gain == pytest.approx(min(row.rgb[1] - row.rgb[0], row.y[1] - row.y[0]))
    assert row.out[0] > 1 > row.out[1] and row.other[0] > 1 > row.other[1]


def test_a_file_that_was_saved_before_keeps_its_damage() -> None:
    once, twice = (projection.measure(Restorer(Smoother()), CAT, 90, before) for before in (None, 5))
    assert once.rgb[1] - once.rgb[0] > twice.rgb[1] - twice.rgb[0]


def test_the_table_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pixels = (255 * CAT[0]).round().byte().permute(1, 2, 0).numpy()
    images = Images("toy", [pixels, pixels[::-1]], "", "CC0", ("cat", "tac"))
    monkeypatch.setattr(projection, "load_images", lambda name: images)
    monkeypatch.setattr(vaezoo, "create", lambda name, **options: Smoother(), raising=False)
    projection.main(["--levels", "20", "40", "--limit", "1"])
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("| quality | RGB |") and [row.split()[1] for row in rows] == ["20", "40"]


def test_a_projected_method_says_so(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(vaezoo.create("dejpeg", seed=0).state_dict(), tmp_path / "w.safetensors")
    method = methods.model("dejpeg", tmp_path / "w.safetensors", project=True)
    assert method.name == "dejpeg-project-true" and method.identity.endswith(", project=True")
    _, y, task = Dejpeg.example(CAT, 10, 0)
    facts: Any = method.run(y, 10, task).facts
    assert "outside_percent" in facts
