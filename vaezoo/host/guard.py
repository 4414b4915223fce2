"""Running a stranger's code: it may raise, exit, hang or print, and only it is the worse for it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType

from vaezoo.errors import ConfigError, VaezooError

LIMIT_S = 10.0
PATIENCE_S = 120.0
"""How much longer the import of another package may take than the plugin's own time."""
RING_S = 0.25
"""Pause between alarms once the time is up: one may be swallowed, or wait for an import."""


class Refused(Exception):
    """Why a plugin is not let in.

    Args:
        status: See :class:`vaezoo.zoo.Plugin`.
        cause: One line.
    """

    def __init__(self, status: str, cause: str) -> None:
        super().__init__(cause)
        self.status, self.cause = status, " ".join(cause.split())


class _TookTooLong(BaseException):
    """The time is up; no ``except Exception`` of the plugin's own holds it."""


def limit() -> float:
    """Returns the seconds that a plugin may take to declare what it has, ``$VAEZOO_PLUGIN_TIMEOUT`` or 10.

    Raises:
        ConfigError: It is no positive number.
    """
    given = os.environ.get("VAEZOO_PLUGIN_TIMEOUT")
    if not given:
        return LIMIT_S
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e6:
        raise ConfigError(
            f"Expected VAEZOO_PLUGIN_TIMEOUT as a positive number of seconds, got {given!r}.", value=given
        )
    return seconds


@contextmanager
def guarded(status: str, limit_s: float | None = None, package: str = "") -> Iterator[None]:
    """Turns whatever happens inside into :class:`Refused`.

    Args:
        status: What it is called where it fails; an error of vaezoo's own in a hook's answer makes it ``invalid``.
        limit_s: How long it may take: by SIGALRM, so in the main thread on POSIX only. Under a limit, and there, what
            is printed goes to stderr.
        package: The plugin's own. The import of any other is not broken off: half a torch would be everybody's loss.

    Raises:
        Refused: Something went wrong.
    """
    try:
        with _in_time(limit_s, package):
            yield
    except (KeyboardInterrupt, Refused):
        raise
    except _TookTooLong as error:
        raise Refused(status, f"it took more than {limit_s:g} s") from error
    except SystemExit as error:
        raise Refused(status, f"it called exit({error.code})") from error
    except VaezooError as error:
        raise Refused("invalid" if status == "hook-raised" else status, str(error)) from error
    except BaseException as error:
        raise Refused(status, f"{type(error).__name__}: {error}") from error


@contextmanager
def _in_time(limit_s: float | None, package: str) -> Iterator[None]:
    if limit_s is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    with redirect_stdout(sys.stderr):  # would race between threads
        if not hasattr(signal, "setitimer"):
            yield
            return
        begun, under_way = time.monotonic(), _half_imported()
        patient_until = begun + limit_s + PATIENCE_S

        def ring(number: int, frame: FrameType | None) -> None:
            others = [n for n in _half_imported() - under_way if n.partition(".")[0] != package]
            if not others or time.monotonic() > patient_until:
                raise _TookTooLong

        before = signal.signal(signal.SIGALRM, ring)
        left, interval = signal.setitimer(signal.ITIMER_REAL, limit_s, RING_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            if left:  # somebody else's alarm goes on
                signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 1e-3), interval)


def _half_imported() -> set[str]:
    """Returns the names of modules whose import is under way."""
    return {
        name
        for name, module in list(sys.modules.items())
        if getattr(getattr(module, "__spec__", None), "_initializing", False)
    }
