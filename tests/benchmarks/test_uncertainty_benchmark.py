"""The commands that fit and check calibrations, on small pictures and a model that costs little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaezoo
from benchmarks import uncertainty
from vaezoo.data import sets
from vaezoo.data.sets import Images
from vaezoo.registry.calibration import Calibration

CALIBRATION = Calibration(
    factor=2.0, quantiles={"68": 1.0, "90": 1.645, "95": 1.96}, image_factor=1.8, risk_factor=3.0, sigmas=(25.0,),
    images=41,
)  # fmt: skip


def test_figures_of_normal_errors() -> None:
    generator = torch.Generator().manual_seed(0)
    scale = 0.01 + torch.rand(1, 1, 200, 200, generator=generator)
    values = uncertainty.measure(scale * torch.randn(scale.shape, generator=generator), scale, CALIBRATION)
    for kind in ("raw", "conformal"):
        assert values[f"{kind}_90"] == pytest.approx(0.9, abs=0.01)
    assert values["scalar_68"] == pytest.approx(0.954, abs=0.01) and values["scalar_ence"] == pytest.approx(
        0.5, abs=0.02
    )
    assert values["images"] == 1 and values["risk_outside"] == pytest.approx(0.0027, abs=0.001)
    assert values["raw_crps_levels"] < values["scalar_crps_levels"]


@pytest.fixture
def photos(monkeypatch: pytest.MonkeyPatch) -> Images:
    pixels = np.random.default_rng(0).integers(90, 160, size=(2, 16, 24, 3), dtype=np.uint8)
    images = Images("toy", list(pixels), "3" * 64, "CC0")
    monkeypatch.setattr(sets, "load_images", lambda name, gray=False: images)
    return images


def test_a_set_is_measured_and_told(photos: Images) -> None:
    record = uncertainty.run("denoise-small.open", "toy", 2)
    assert record["pictures"] == 2 and set(record["sigmas"]) == {"15", "25", "50"}
    assert record["weights"] == vaezoo.model_info("denoise-small.open")["weights"]["open"]["sha256"]
    row: dict[str, Any] = record["sigmas"]["25"]
    assert sum(row[f"stated_rank_{rank}"] for rank in range(10)) == pytest.approx(1, abs=1e-3)
    text = uncertainty.tables({"denoise-small.open": {"toy": record}})
    assert "### `denoise-small.open` on toy, the first 2 pictures" in text and text.count("| 25 |") == 4


def test_the_page_is_what_was_measured_and_of_the_card_s_calibration() -> None:
    import json

    text = uncertainty.PAGE.read_text(encoding="utf-8")
    assert uncertainty.renewed(text) == text, "run python -m benchmarks.uncertainty --write"
    results = json.loads(uncertainty.RESULTS.read_text(encoding="utf-8"))
    assert tuple(results) == uncertainty.NAMES
    for name, records in results.items():
        told = vaezoo.model_info(name)["weights"]["open"]["calibration"]
        for record in records.values():
            assert record["widths"] == told, f"run python -m benchmarks.uncertainty {name}"
