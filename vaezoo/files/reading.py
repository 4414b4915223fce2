"""Reading files of unknown origin: only regular files, whose size is checked first.

Reading a pipe, a socket or a device could block, or never end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))


def check_regular(path: str | os.PathLike[str]) -> os.stat_result:
    """Returns the file status of a regular file, or of the one that a link leads to.

    Raises:
        OSError: The path is something else, or cannot be accessed.
    """
    found = os.stat(path)
    _refuse_others(found, path)
    return found


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a regular file for reading.

    Raises:
        OSError: The path is something else, or cannot be read.
    """
    check_regular(path)  # opening a device may already do something
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = os.fdopen(handle, "rb")
    try:
        _refuse_others(os.fstat(handle), path)  # it may have been replaced meanwhile
    except OSError:
        file.close()
        raise
    return file


def read_regular(path: str | os.PathLike[str], at_most: int | None = None) -> bytes:
    """Returns the bytes of a regular file.

    Args:
        path: Path of the file, or of a link to it.
        at_most: Largest size in bytes. None means any.

    Raises:
        OSError: The path is something else, cannot be read, or has more bytes.
    """
    with open_regular(path) as file:
        if at_most is None:
            return file.read()
        size = os.fstat(file.fileno()).st_size
        content = file.read(at_most + 1) if size <= at_most else b""
        if len(content) > at_most or size > at_most:
            raise OSError(errno.EFBIG, f"it has more than the {at_most} bytes that are expected", str(path))
        return content


def _refuse_others(found: os.stat_result, path: str | os.PathLike[str]) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((word for test, word in _KINDS if test(found.st_mode)), "a device")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(Path(path)))
