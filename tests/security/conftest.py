"""What the tests of this folder share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest


class TooLong(BaseException):
    """Nothing that a stranger sends takes so long; no handler of errors may catch it."""


@pytest.fixture
def quick() -> Iterator[None]:
    """Ends a test that waits for ever, or nearly so."""

    def end(number: int, frame: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 60)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
