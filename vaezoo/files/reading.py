"""Reading files of unknown origin: only regular files, whose size is checked first.

Reading a pipe, a socket or a device could block, or never end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))


def check_regular(path: str | os.PathLike[str]) -> os.stat_result:
    """Returns the file status of a regular file, or of the one that a link leads to.

    Raises:
        OSError: The path is something else, or cannot be accessed.
    """
    found = os.stat(path)
    _refuse_others(found, path)
    return found


def read_regular(path: str | os.PathLike[str], at_most: int | None = None) -> bytes:
    """Returns the bytes of a regular file.

    Args:
        path: Path of the file, or of a link to it.
        at_most: Largest size in bytes. None means any.

    Raises:
        OSError: The path is something else, cannot be read, or has more bytes.
    """
    check_regular(path)  # opening a device may already do something
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        _refuse_others(found, path)  # it may have been replaced meanwhile
        if at_most is None:
            return file.read()
        content = file.read(at_most + 1) if found.st_size <= at_most else b""
        if len(content) > at_most or found.st_size > at_most:
            raise OSError(errno.EFBIG, f"it has more than the {at_most} bytes that are expected", str(path))
        return content


def _refuse_others(found: os.stat_result, path: str | os.PathLike[str]) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((word for test, word in _KINDS if test(found.st_mode)), "a device")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(Path(path)))
