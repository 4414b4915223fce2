"""Downloads under way: who writes, who waits, and what the dead left behind. What is downloaded is not known here.

A partial file carries its writer's name, so two writers never share one even where locks do nothing; what a dead
writer left is taken over by renaming it, which only one can do. The lock just saves downloading twice.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.files.atomic import HOST, is_abandoned, writer

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["HOST", "PATIENCE_S", "WEEK_S", "claimed", "leftovers", "turn"]

WEEK_S = 7 * 24 * 3600.0
PATIENCE_S = 90.0
"""How long to wait for a lock whose holder writes nothing; longer than any pause between two tries."""


@contextmanager
def turn(folder: Path, sha256: str, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Waits for whoever downloads the same blob: best effort, and never for ever.

    Goes ahead without the lock where there are no locks, and where its holder has written nothing for a while.
    """
    from filelock import FileLock  # only here: importing it takes a tenth of a second

    lock = FileLock(folder / f"{sha256}.lock")
    try:
        _wait(lock, folder, sha256, patience_s)
        yield
    finally:
        lock.release()


def _wait(lock: BaseFileLock, folder: Path, sha256: str, patience_s: float) -> None:
    from filelock import Timeout

    seen, since = None, time.monotonic()
    while True:
        try:
            lock.acquire(timeout=0)
            return
        except Timeout:
            pass
        except (OSError, NotImplementedError):  # this file system has no locks
            return
        written = sorted((path.name, _size(path)) for path in folder.glob(f"{sha256}.*part"))
        if written != seen:
            seen, since = written, time.monotonic()
        elif time.monotonic() - since > patience_s:
            return
        time.sleep(0.05)


@contextmanager
def claimed(folder: Path, sha256: str) -> Iterator[Path]:
    """Gives a partial file to this writer alone: the longest that a dead one left, else an empty one.

    What is still there at the end is left for the next.
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
    """Returns the files of dead downloads that nothing has touched for so long."""
    limit = time.time() - age_s
    found = []
    for path in sorted(folder.glob("*")):
        with suppress(OSError):
            if path.lstat().st_mtime <= limit and (".part" not in path.suffixes or is_abandoned(path)):
                found.append(path)
    return found


def _is_plain(part: Path) -> bool:
    """Says whether a partial file is this user's own file, and no link that leads to another one."""
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
