"""Downloads in progress: partial files, waiting for another process, and taking over what a dead one left.

The name of a partial file identifies its writer, so two writers never share one even if locks do not work. A writer
takes over a dead one's file by renaming it, which only one can do. The lock merely avoids downloading twice.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.files.atomic import HOST, STALE_S, is_abandoned, writer
from vaezoo.files.locks import acquired, lock_of

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["HOST", "PATIENCE_S", "STALE_S", "WEEK_S", "claimed", "leftovers", "turn"]

WEEK_S = 7 * 24 * 3600.0
PATIENCE_S = 90.0
"""Longest wait in seconds for a lock whose holder writes nothing. It exceeds any pause between two tries."""


@contextmanager
def turn(folder: Path, sha256: str, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Waits, for a limited time, for another process that downloads the same blob.

    Continues without the lock if there are no locks, or if its holder has written nothing for a while.
    """
    lock = lock_of(folder / f"{sha256}.lock")
    try:
        _wait(lock, folder, sha256, patience_s)
        yield
    finally:
        lock.release()


def _wait(lock: BaseFileLock, folder: Path, sha256: str, patience_s: float) -> None:
    seen, since = None, time.monotonic()
    while not acquired(lock):
        written = sorted((path.name, _size(path)) for path in folder.glob(f"{sha256}.*part"))
        if written != seen:
            seen, since = written, time.monotonic()
        elif time.monotonic() - since > patience_s:
            return
        time.sleep(0.05)


@contextmanager
def claimed(folder: Path, sha256: str) -> Iterator[Path]:
    """Context manager that gives this writer a partial file: the longest of dead writers, or an empty one.

    If it still exists at the end, the next writer can use it.
    """
    mine = folder / f"{sha256}.{writer()}.part"
    left_over = (p for p in folder.glob(f"{sha256}.*part") if is_abandoned(p) and _is_plain(p))
    for left in sorted(left_over, key=_size, reverse=True):
        with suppress(FileNotFoundError):
            os.rename(left, mine)
            os.utime(mine)
            break
    else:
        os.close(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    try:
        yield mine
    finally:
        with suppress(OSError):
            if mine.stat().st_size:
                os.replace(mine, folder / f"{sha256}.part")
            else:
                mine.unlink()


def leftovers(folder: Path, age_s: float = WEEK_S) -> list[Path]:
    """Lists the files of dead downloads that have not been changed for a time."""
    limit = time.time() - age_s
    found = []
    for path in sorted(folder.glob("*")):
        with suppress(OSError):
            if path.lstat().st_mtime <= limit and (".part" not in path.suffixes or is_abandoned(path)):
                found.append(path)
    return found


def _is_plain(part: Path) -> bool:
    """Says whether a partial file is a regular file of this user, and not a link to another one."""
    try:
        found = part.lstat()
    except OSError:
        return False
    ours = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and ours


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
