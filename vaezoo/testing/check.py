"""``python -m vaezoo.testing.check NAME FILE``: runs a plugin's contract in this process and writes the results."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vaezoo.testing.collection import CONFORMANCE


class Recorder:
    """Records the result of each check.

    Args:
        models: Whether to run the contracts of the plugin's models and tasks too.

    Attributes:
        checks: Name, sentence, result and cause of each check.
    """

    def __init__(self, models: bool) -> None:
        self.models = models
        self.checks: list[dict[str, str]] = []
        self._sentences: dict[str, tuple[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leaves out models and tasks, unless they are requested."""
        if not self.models:
            items[:] = [item for item in items if item.cls.__name__.startswith("TestPlugin")]
        for item in items:
            sentence = (item.function.__doc__ or "").strip().partition("\n")[0]
            subject = getattr(item.cls, "model", None) or getattr(item.cls, "task", "plugin").rpartition("/")[2]
            self._sentences[item.nodeid] = (subject, sentence)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Records how a check ended, or what prevented it from starting."""
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
    """Runs all checks of a plugin by pytest and returns their results.

    Uses no cache and no configuration of the folder.
    """
    recorder = Recorder(models)
    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(CONFORMANCE.parent)]
    pytest.main([*options, "--vaezoo-plugin", name], plugins=[recorder])
    return recorder.checks


def main(arguments: Sequence[str]) -> None:
    """Checks a plugin, given by name, and writes JSON to a file."""
    name, file, *rest = arguments
    Path(file).write_text(json.dumps(run(name, "--models" in rest)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
