"""A first look at the zoo among ten strangers: it loads no torch, and the page says what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import startup


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strangers")
    startup.write_strangers(folder)
    return folder


@pytest.mark.parametrize("what", startup.MEASURED)
def test_a_first_look_loads_nothing_heavy(site: Path, what: str) -> None:
    spent, heavy, _ = startup.measure(site, startup.MEASURED[what])
    assert heavy == [] and spent > 0


def test_the_broken_cost_only_themselves(site: Path) -> None:
    said = startup.measure(site, startup.MEASURED["vaezoo list"])[2]
    assert "stranger-7-16" in said and "conv-beta" in said
    assert "stranger-8:stranger-8 is import-failed" in said and "stranger-9:stranger-9 is invalid" in said


def test_the_page_has_what_was_measured() -> None:
    text = startup.PAGE.read_text(encoding="utf-8")
    assert startup.renewed(text) == text, "run python -m benchmarks.startup"
    rows = json.loads(startup.FILE.read_text(encoding="utf-8"))["rows"]
    assert all(row["cpu_s"] <= row["budget_cpu_s"] and not row["heavy"] for row in rows)
