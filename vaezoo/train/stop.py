"""A polite end: SIGTERM, SIGINT or a time limit lets the running step finish and the checkpoint be written."""

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
    """Whether the run should end after this step.

    Args:
        minutes: Wall time after which it should; None for no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._signal: int | None = None

    def asked(self) -> bool:
        """Returns whether a signal came or the time is over."""
        return self._signal is not None or (self._deadline is not None and time.monotonic() >= self._deadline)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes the two signals over; a second one of a kind acts as usual. Does nothing outside the main thread."""
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
