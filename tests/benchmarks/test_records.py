"""Measurements survive a stop, and stale ones do not survive new weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.records import Key, Records
from benchmarks.restorers.suites import SUITES, Suite
from benchmarks.restorers.tables import published, quality


def key(picture: str = "01", identity: str = "a 1", level: float = 25.0) -> Key:
    return Key("denoise", identity, "kodak24", level, picture)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "results" / "restoration.json")


def test_what_was_added_is_found_again(records: Records) -> None:
    records.add(key(), {"psnr_db": 30.0})
    records.add(key("02"), {"psnr_db": 32.0})
    again = Records(records.path)
    assert key() in again and key("03") not in again and key(level=15.0) not in again
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


def test_runs_that_write_at_once_lose_nothing(records: Records) -> None:
    def measure(method: str) -> None:
        own = Records(records.path)
        for number in range(20):
            own.add(key(f"{number:02}")._replace(method=method), {"psnr_db": 30.0})

    methods = ("nlm", "tv", "bm3d", "wavelet")
    with ThreadPoolExecutor(len(methods)) as pool:
        list(pool.map(measure, methods))
    found = Records(records.path)
    assert all(len(found.pictures(method, "kodak24", 25)) == 20 for method in methods)


def test_what_is_there_is_told_by_picture_and_level(records: Records) -> None:
    records.add(key("02"), {"psnr_db": 30.0})
    records.add(key("01"), {"psnr_db": 32.0})
    records.add(key("01", level=50.0), {"psnr_db": 20.0})
    assert records.pictures("denoise", "kodak24", 25) == ["01", "02"]
    assert records.levels("kodak24") == [25, 50] and records.levels("set5") == []
    assert records.average("denoise", "kodak24", 25) == {"psnr_db": 31.0}
    assert records.average("denoise", "kodak24", 15) is None


def test_a_page_says_on_how_many_pictures_a_figure_rests(records: Records) -> None:
    values = {"ssim": 0.5, "cpu_seconds_per_megapixel": 1.0}
    records.add(key()._replace(method="bm3d"), {"psnr_db": 29.0, **values})
    records.add(key(), {"psnr_db": 30.0, **values})
    records.add(key("02"), {"psnr_db": 40.0, **values})
    page = quality(records, Suite("denoise", "kodak24", 2, ("bm3d", "denoise", "nlm")))
    assert "29.00 / 0.5000 (measured on 1 of 2 pictures; `denoise` on these 30.00)" in page
    assert "| 35.00 / 0.5000 |" in page and "non-local" not in page


def test_published_values_stand_beside_those_of_here_once_all_pictures_are_measured(records: Records) -> None:
    assert published(records) == "No learned peer was measured on every picture of a set.\n"
    suite = next(suite for suite in SUITES if suite.name == "sr:set5")
    for index in range(suite.pictures):
        assert "IMDN" not in published(records)
        records.add(Key("imdn", "a 1", suite.name, 2.0, f"{index}"), {"psnr_db": 38.02})
    assert "| IMDN | set5 | × 2 | 38.02 | 38.00 | +0.020 |" in published(records)
    assert "1 of 1 are within 0.05 dB" in published(records)
