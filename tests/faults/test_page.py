"""What docs/reliability.md says: each test that it names is there, and its tables are those that were measured."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def named() -> dict[str, list[str]]:
    """The tests of each row that has a third cell, as ``file::test`` or ``file::test[id]``."""
    rows: dict[str, list[str]] = {}
    for section in PAGE.split("\n## "):
        file = re.search(r"In `(test_\w+\.py)`\.", section)
        for line in section.splitlines() if file else ():
            if line.startswith("| ") and not line.startswith("| fault"):
                tests = re.findall(r"`([^`]*)`", line.rstrip("| ").rpartition(" | ")[2])
                rows[line] = [test if "::" in test else f"{file[1]}::{test}" for test in tests]  # type: ignore[index]
    return rows


@pytest.fixture(scope="module")
def there() -> set[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "tests/faults"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = {line.removeprefix("tests/faults/") for line in done.stdout.splitlines() if "::" in line}
    return found | {test.partition("[")[0] for test in found}


def test_every_row_names_tests_that_are_there(there: set[str]) -> None:
    rows = named()
    assert len(rows) > 60 and all(rows.values()), [row for row, tests in rows.items() if not tests]
    missing = {test for tests in rows.values() for test in tests} - there
    assert not missing


def test_every_file_of_faults_is_on_the_page() -> None:
    files = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    assert {name for name in files if name not in PAGE} <= {"test_page.py", "test_manners.py", "test_plugins.py"}


def test_the_number_of_malformed_files_is_told() -> None:
    from .test_safetensors import MALFORMED

    assert f"| {len(MALFORMED)} kinds: " in PAGE


def test_its_tables_are_those_that_were_measured() -> None:
    """As ``python -m benchmarks.reliability --check`` does."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.reliability", "--check"], cwd=ROOT)
    assert done.returncode == 0, "python -m benchmarks.reliability --write"


def test_no_other_library_was_asked_alone() -> None:
    """Each fault was played to all of them, in one run, and this library was never wrong."""
    import json

    results = json.loads((ROOT / "benchmarks" / "results" / "reliability.json").read_text())
    assert all(len(records) == 5 for records in results["faults"].values()) and len(results["faults"]) == 11
    assert "wrong bytes" not in json.dumps({f: r["vaezoo"] for f, r in results["faults"].items()})


def test_the_line_on_what_create_costs_is_what_was_measured_and_within_its_limit() -> None:
    import json

    from benchmarks.overhead import LIMIT, PAGE, RESULTS, renewed

    text = PAGE.read_text(encoding="utf-8")
    assert renewed(text) == text, "run python -m benchmarks.overhead"
    measured = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert measured["first"]["ratio"] <= LIMIT and measured["repeated"]["ratio"] <= LIMIT
