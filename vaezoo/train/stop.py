"""Stopping a run: after SIGTERM, SIGINT or a time limit, the step finishes and the checkpoint is written."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import final


@final
class Stop:
    """Whether the run should stop after this step.

    Args:
        minutes: Limit of wall time, in minutes. None means no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._signal: int | None = None

    def asked(self) -> bool:
        """Says whether a signal came or the time is over."""
        return self._signal is not None or (self._deadline is not None and time.monotonic() >= self._deadline)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handles the two signals. A second signal of a kind acts as usual. Outside the main thread it does nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        usual = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def handle(number: int, frame: FrameType | None) -> None:
            self._signal = number
            signal.signal(number, usual[signal.Signals(number)])

        for number in usual:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number, handler in usual.items():
                signal.signal(number, handler)
