"""docs/security.md names tests that exist, and every file of tests here."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs/security.md").read_text(encoding="utf-8")


def test_the_page_names_tests_that_exist() -> None:
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 15
    for file, test in named:
        content = (HERE / file).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in content, (file, test)


def test_every_file_is_named() -> None:
    files = {path.name for path in HERE.glob("test_*.py")} - {Path(__file__).name}
    assert files <= set(re.findall(r"test_\w+\.py", PAGE))


def test_the_floors_are_those_of_the_project() -> None:
    project = (HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z0-9-]+) \| ([\d.]+) \|", PAGE.partition("## Floors")[2], re.M)
    assert len(rows) == 5
    for package, floor in rows:
        assert f'"{package}>={floor}"' in project, package
