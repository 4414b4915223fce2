"""Locks against other processes. They end with the process that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaezoo.errors import VaezooError

LOCK = ".vaezoo.lock"
"""Name of the lock file in a folder that only one process may write."""


@contextmanager
def held(path: Path, error: VaezooError, wait_s: float = 0.0) -> Iterator[None]:
    """Context manager that holds the lock of a file. The lock ends with the process, however that ends.

    If the file system has no locks, or the file cannot be written, other processes are not kept out.

    Args:
        path: Path of the lock file. The file stays, since removing it would let two processes in.
        error: Error to raise if another process has the lock.
        wait_s: Seconds to wait for the lock.
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
