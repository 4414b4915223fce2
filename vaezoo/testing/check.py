"""``python -m vaezoo.testing.check NAME FILE``: runs a plugin's contract in this process, and writes what it found."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vaezoo.testing.collection import CONFORMANCE


class Recorder:
    """Notes what became of each check.

    Args:
        models: Whether the contracts of its models and tasks are run as well.

    Attributes:
        checks: Name, sentence, outcome and cause of each.
    """

    def __init__(self, models: bool) -> None:
        self.models = models
        self.checks: list[dict[str, str]] = []
        self._sentences: dict[str, tuple[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leaves out models and tasks, where they are not asked for."""
        if not self.models:
            items[:] = [item for item in items if item.cls.__name__.startswith("TestPlugin")]
        for item in items:
            sentence = (item.function.__doc__ or "").strip().partition("\n")[0]
            subject = getattr(item.cls, "model", None) or getattr(item.cls, "task", "plugin").rpartition("/")[2]
            self._sentences[item.nodeid] = (subject, sentence)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes a check's end, or what kept it from beginning."""
        if report.when != "call" and report.passed:
            return
        subject, sentence = self._sentences[report.nodeid]
        name = report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        self.checks.append(
            {
                "subject": subject,
                "check": name,
                "outcome": report.outcome,
                "sentence": sentence,
                "cause": _cause(report) if report.failed else "",
            }
        )


def _cause(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longrepr)
    return text.removeprefix("AssertionError: ").partition("\n")[0]


def run(name: str, models: bool = False) -> list[dict[str, str]]:
    """Returns what became of each check of a plugin, by pytest, without a cache or a configuration of the folder's."""
    recorder = Recorder(models)
    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(CONFORMANCE.parent)]
    pytest.main([*options, "--vaezoo-plugin", name], plugins=[recorder])
    return recorder.checks


def main(arguments: Sequence[str]) -> None:
    """Checks a plugin by its name, and writes JSON to a file."""
    name, file, *rest = arguments
    Path(file).write_text(json.dumps(run(name, "--models" in rest)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
