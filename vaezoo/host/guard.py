"""Running a plugin's code under a guard: if it raises, exits, hangs or prints, only the plugin suffers."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from types import FrameType

from vaezoo.errors import ConfigError, VaezooError, words_of

LIMIT_S = 10.0
PATIENCE_S = 120.0
"""Additional seconds for the import of other packages, beyond the plugin's own time."""
RING_S = 0.25
"""Pause between alarms once the time is up. One may be swallowed, or wait for an import."""


class Refused(Exception):
    """The reason why a plugin is not loaded.

    Args:
        status: Status; see :class:`vaezoo.host.manager.Plugin`.
        cause: Cause, in one line.
    """

    def __init__(self, status: str, cause: str) -> None:
        super().__init__(cause)
        self.status, self.cause = status, " ".join(cause.split())


class _TookTooLong(BaseException):
    """The time is up. It is no ``Exception``, so that the plugin's own ``except`` does not catch it."""


def limit() -> float:
    """Returns the seconds that a plugin may take to declare what it has: ``$VAEZOO_PLUGIN_TIMEOUT``, or 10.

    Raises:
        ConfigError: The variable is not a positive number.
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
    """Context manager that turns any failure inside into :class:`Refused`.

    Args:
        status: Status of a failure. An error of vaezoo in a hook's answer is ``invalid`` instead.
        limit_s: Time limit in seconds. It uses SIGALRM, so it works in the main thread on POSIX only. Under a limit,
            printed text goes to stderr.
        package: The plugin's own package. Imports of others are not interrupted: half a torch would harm everybody.

    Raises:
        Refused: Something inside failed.
    """
    try:
        with _in_time(limit_s, package):
            try:
                yield
            except (KeyboardInterrupt, Refused, _TookTooLong):
                raise
            except BaseException as error:  # put in words under the limit: the error's own code does that
                raise _refusal(status, error) from error
    except (KeyboardInterrupt, Refused):
        raise
    except _TookTooLong as error:
        raise Refused(status, f"it took more than {limit_s:g} s") from error
    except BaseException as error:
        raise Refused(status, "it raised an error that cannot be read") from error


def _refusal(status: str, error: BaseException) -> Refused:
    """Returns the refusal for an error of a plugin."""
    if isinstance(error, SystemExit):
        return Refused(status, f"it called exit({words_of(error)})")
    if isinstance(error, VaezooError):
        return Refused("invalid" if status == "hook-raised" else status, words_of(error))
    return Refused(status, f"{type(error).__name__}: {words_of(error)}")


@contextmanager
def _in_time(limit_s: float | None, package: str) -> Iterator[None]:
    if limit_s is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    with _printing_to_stderr():  # not without a limit: it would race between threads
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
            if left:  # an alarm of somebody else continues
                signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 1e-3), interval)


@contextmanager
def _printing_to_stderr() -> Iterator[None]:
    """Context manager that sends what is printed to stderr, also by other processes and by code that is not Python."""
    with redirect_stdout(sys.stderr):
        try:
            _flush_stdout()
            kept = os.dup(1)
        except OSError:  # nobody reads it, as after >&-
            yield
            return
        try:
            with suppress(OSError):
                os.dup2(2, 1)
            yield
        finally:
            _flush_stdout()
            os.dup2(kept, 1)
            os.close(kept)


def _flush_stdout() -> None:
    with suppress(OSError, ValueError):  # a full disk, or a closed stream
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()


def _half_imported() -> set[str]:
    """Returns the names of modules that are being imported."""
    return {name for name, module in list(sys.modules.items()) if _is_half_imported(module)}


def _is_half_imported(module: object) -> bool:
    try:
        return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
    except Exception:  # anything may stand in sys.modules, with attributes that raise
        return False
