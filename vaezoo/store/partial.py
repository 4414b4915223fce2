"""Downloads under way: who writes, who waits, and what the dead left behind. What is downloaded is not known here.

A partial file carries its writer's name, so two writers never share one even where locks do nothing; what a dead
writer left is taken over by renaming it, which only one can do. The lock just saves downloading twice.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = re.sub(r"[^A-Za-z0-9-]", "-", platform.node()) or "host"
STALE_S = 600.0
"""A writer on another machine whose file has not grown for so long is taken for dead."""
WEEK_S = 7 * 24 * 3600.0
PATIENCE_S = 90.0
"""How long to wait for a lock whose holder writes nothing; longer than any pause between two tries."""


@contextmanager
def turn(folder: Path, sha256: str, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Waits for whoever downloads the same blob: best effort, and never for ever.

    Goes ahead without the lock where there are no locks, and where its holder has written nothing for a while.
    """
    try:
        handle = os.open(folder / f"{sha256}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield
        return
    try:
        _wait(handle, folder, sha256, patience_s)
        yield
    finally:
        os.close(handle)


def _wait(handle: int, folder: Path, sha256: str, patience_s: float) -> None:
    try:
        import fcntl
    except ImportError:
        return
    seen, since = None, time.monotonic()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        except OSError:
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
    mine = folder / f"{sha256}.{HOST}.{os.getpid()}.{secrets.token_hex(4)}.part"
    for left in sorted((p for p in folder.glob(f"{sha256}.*part") if _dead(p)), key=_size, reverse=True):
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
            if path.lstat().st_mtime <= limit and (".part" not in path.suffixes or _dead(path)):
                found.append(path)
    return found


def _dead(part: Path) -> bool:
    """Says whether a partial file, or a folder beside it, has no writer."""
    owner = part.name.partition(".part")[0].split(".")[1:]
    if len(owner) != 3 or not owner[1].isdigit():
        return True
    if owner[0] != HOST or os.name == "nt":  # signal 0 would end the process there
        with suppress(OSError):
            return time.time() - part.stat().st_mtime > STALE_S
        return False
    try:
        os.kill(int(owner[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
