"""Locks against other processes. They end with the process that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.errors import VaezooError

if TYPE_CHECKING:
    from filelock import BaseFileLock

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
    lock = lock_of(path)
    if not acquired(lock, wait_s):
        raise error
    try:
        yield
    finally:
        lock.release()


def lock_of(path: Path) -> BaseFileLock:
    """Returns the lock of a file, not yet acquired."""
    from filelock import FileLock  # only here: importing it takes a tenth of a second

    return FileLock(path)


def acquired(lock: BaseFileLock, wait_s: float = 0.0) -> bool:
    """Tries to acquire a lock. Returns False if another process has it.

    Returns True too if the file system has no locks, or the file cannot be written: nobody is kept out then.

    Args:
        lock: Lock, from `lock_of`.
        wait_s: Seconds to wait for it.
    """
    from filelock import Timeout

    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        return False
    except (OSError, NotImplementedError):
        return True
    return True
