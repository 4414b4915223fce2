"""A calibration is fitted to pictures that training has not seen, and written into the card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.shelve import SHELF
from vaezoo.cli.card import calibrate as verb
from vaezoo.data import sets
from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError, UnknownName, VaezooError
from vaezoo.registry.calibration import calibration_from
from vaezoo.release.calibrate import SIGMAS, calibrate, some_grained
from vaezoo.release.cards import read_cards


@pytest.fixture
def photos(monkeypatch: pytest.MonkeyPatch) -> Images:
    pixels = np.random.default_rng(0).integers(90, 160, size=(22, 16, 24, 3), dtype=np.uint8)
    images = Images("toy", list(pixels), "3" * 64, "CC0")
    monkeypatch.setattr(sets, "load_images", lambda name, gray=False: images)
    return images


def test_a_calibration_is_fitted_and_written_into_the_card(photos: Images, tmp_path: Path) -> None:
    shelf = tmp_path / "registry.yaml"
    shelf.write_text(SHELF.read_text(encoding="utf-8"), encoding="utf-8")
    before = read_cards(shelf)[1]["denoise.open"]
    done = CliRunner().invoke(verb, ["denoise.open", "--registry", str(shelf)])
    assert done.exit_code == 0, done.output
    card = read_cards(shelf)[1]["denoise.open"]
    found = calibration_from(card["calibration"])
    assert found.images == 22 and found.set == "toy" and found.set_sha256 == "3" * 64 and found.grain == 0.33
    assert found.weights == card["sha256"] and found.sigmas == SIGMAS
    assert found.command == "vaezoo calibrate denoise.open"
    assert {**card, "calibration": None} == {**before, "calibration": None}


def test_the_asked_share_of_pictures_gets_grain_and_the_others_stay() -> None:
    plain = [np.full((40, 50, 3), 128, np.uint8) for _ in range(12)]
    given = list(some_grained(plain, 0.25))
    assert [index for index, (a, b) in enumerate(zip(plain, given, strict=True)) if not np.array_equal(a, b)] == [
        3, 7, 11,
    ]  # fmt: skip
    assert 0 < given[3].std() < 5 and not np.array_equal(given[3], given[7])
    assert np.array_equal(given[3], list(some_grained(plain, 0.25))[3])


@pytest.mark.parametrize(
    ("name", "data", "error", "message"),
    [
        ("nothing.here", "cid22-valid", UnknownName, "no weights called 'nothing.here'"),
        ("denoise.open", "cid22", ConfigError, "was trained on cid22"),
        ("conv-beta.fashion", "cid22-valid", ConfigError, "conv-beta.fashion generates images and restores none"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(name: str, data: str, error: type[VaezooError], message: str) -> None:
    with pytest.raises(error, match=message):
        calibrate(name, SHELF, data)
