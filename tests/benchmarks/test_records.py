"""Measurements survive a stop, and stale ones do not survive new weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.records import Key, Records
from benchmarks.report import quality_table


def key(picture: str = "01", identity: str = "a 1", sigma: float = 25.0) -> Key:
    return Key("denoise", identity, "kodak24", sigma, picture)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "results" / "restoration.json")


def test_what_was_added_is_found_again(records: Records) -> None:
    records.add(key(), {"psnr_db": 30.0})
    records.add(key("02"), {"psnr_db": 32.0})
    again = Records(records.path)
    assert key() in again and key("03") not in again and key(sigma=15.0) not in again
    assert again.average("denoise", "kodak24", 25, ["01", "02"]) == {"psnr_db": 31.0}
    assert again.largest("denoise", "kodak24", "psnr_db") == 32
    assert list(records.path.parent.iterdir()) == [records.path]


def test_an_average_waits_for_every_picture(records: Records) -> None:
    records.add(key(), {"psnr_db": 30.0})
    assert records.average("denoise", "kodak24", 25, ["01", "02"]) is None
    assert records.average("denoise", "kodak24", 25, []) is None


def test_new_weights_drop_the_old_measurements_of_that_method(records: Records) -> None:
    other = key()._replace(method="bm3d")
    records.add(other, {"psnr_db": 31.0})
    records.add(key("01", "a 1"), {"psnr_db": 30.0})
    records.add(key("02", "a 2"), {"psnr_db": 33.0})
    assert key("01", "a 1") not in records and key("02", "a 2") in records and other in records
    assert records.identity("denoise") == "a 2" and records.identity("nlm") is None


def test_two_runs_may_share_the_file(records: Records) -> None:
    beside = Records(records.path)
    records.add(key("01"), {"psnr_db": 30.0})
    beside.add(key("02"), {"psnr_db": 32.0})
    assert key("01") in Records(records.path) and key("02") in Records(records.path)


def test_a_page_says_on_how_many_pictures_a_figure_rests(records: Records) -> None:
    values = {"ssim": 0.5, "cpu_seconds_per_megapixel": 1.0}
    records.add(key()._replace(method="bm3d"), {"psnr_db": 29.0, **values})
    records.add(key(), {"psnr_db": 30.0, **values})
    records.add(key("02"), {"psnr_db": 40.0, **values})
    page = quality_table(records, "kodak24", ["01", "02"], [25])
    assert "29.00 / 0.5000 (first 1 only; `denoise` on these 30.00)" in page
    assert "| 35.00 / 0.5000 |" in page
