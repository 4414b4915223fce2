"""Locks that keep a second process away for as long as the first one lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaezoo.errors import VaezooError

LOCK = ".vaezoo.lock"
"""Name of the lock file in a folder that one process alone writes."""


@contextmanager
def held(path: Path, error: VaezooError, wait_s: float = 0.0) -> Iterator[None]:
    """Holds the lock of a file. It ends with the process, however that ends.

    Where the file system has no locks, or the file cannot be written, nothing is kept away.

    Args:
        path: Path of the lock file. It stays, since removing it would let two processes in.
        error: What is raised if another process has the lock.
        wait_s: How long to wait for it, in seconds.
    """
    from filelock import FileLock, Timeout  # only here: importing it takes a tenth of a second

    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout as cause:
        raise error from cause
    except (OSError, NotImplementedError):
        pass
    try:
        yield
    finally:
        lock.release()
