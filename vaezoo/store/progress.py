"""A progress bar for work that takes longer than a second, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AFTER_S = 1.0


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Context manager that gives a function to report how many bytes of ``total`` are done."""
    begun, shown = time.monotonic(), None

    def tell(done: int) -> None:
        nonlocal shown
        if shown is None and sys.stderr.isatty() and time.monotonic() - begun > AFTER_S:
            shown = _Bar(label, total)
        if shown is not None:
            shown.progress.update(shown.task, completed=done)

    try:
        yield tell
    finally:
        if shown is not None:
            shown.progress.stop()


class _Bar:
    def __init__(self, label: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.progress.add_task(label, total=total)
        self.progress.start()
