"""Measurements kept on disk as they come, so that a run can be stopped and go on."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, final

from vaezoo.files.atomic import write_whole


class Key(NamedTuple):
    """What a measurement depends on; a new version, setting or weight is another key.

    Attributes:
        method: Its short name.
        identity: Package, version, settings and the weights' sha256, as far as it has them.
        suite: Name of the task and test set, see `benchmarks.suites.Suite`.
        level: Of the damage, in the task's unit.
        picture: Its name.
    """

    method: str
    identity: str
    suite: str
    level: float
    picture: str


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@final
class Records:
    """A JSON file of measurements, replaced in one step after each new one.

    It is read again before it is replaced, under a lock on its folder, so that runs of different methods may share it.

    Args:
        path: The file; it and its folder are made when something is added.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values = self._read()

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def add(self, key: Key, values: dict[str, float]) -> None:
        """Keeps a measurement, and drops those of the same method by another version or other weights."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self.path.parent):
            kept = {k: v for k, v in self._read().items() if k.method != key.method or k.identity == key.identity}
            self._values = kept | {key: values}
            rows = [json.dumps({"key": list(k), "values": self._values[k]}) for k in sorted(self._values)]
            write_whole(self.path, ("[\n" + ",\n".join(rows) + "\n]\n").encode(), flush=False)

    def average(
        self, method: str, suite: str, level: float, pictures: Sequence[str] | None = None
    ) -> dict[str, float] | None:
        """Returns the mean of a method's values over pictures, or None while one of them is missing.

        Args:
            method: Its name.
            suite: Its name.
            level: Of the damage.
            pictures: Their names; None for all that are recorded.
        """
        rows = {k.picture: v for k, v in self._values.items() if (k.method, k.suite, k.level) == (method, suite, level)}
        pictures = list(rows) if pictures is None else pictures
        if not pictures or not rows.keys() >= set(pictures):
            return None
        first = rows[pictures[0]]
        return {name: sum(rows[picture][name] for picture in pictures) / len(pictures) for name in first}

    def pictures(self, method: str, suite: str, level: float) -> list[str]:
        """Returns those that a method was measured on, by name."""
        return sorted(k.picture for k in self._values if (k.method, k.suite, k.level) == (method, suite, level))

    def levels(self, suite: str) -> list[float]:
        """Returns the levels that anything of a suite was measured at."""
        return sorted({k.level for k in self._values if k.suite == suite})

    def largest(self, method: str, suite: str, name: str) -> float | None:
        """Returns the largest of a method's values of one name, or None where there is none."""
        return max((v[name] for k, v in self._values.items() if (k.method, k.suite) == (method, suite)), default=None)

    def identity(self, method: str) -> str | None:
        """Returns what of a method was measured, or None where nothing was."""
        return next((k.identity for k in self._values if k.method == method), None)

    def _read(self) -> dict[Key, dict[str, float]]:
        rows = json.loads(self.path.read_text()) if self.path.exists() else []
        return {Key(*row["key"]): row["values"] for row in rows}
