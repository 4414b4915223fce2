"""Writing files completely or not at all, even if the power fails.

A file is written under another name beside its place, flushed to the disk and then moved there. That name identifies
the writing process, so that parts left by a killed process can be told from those of a running one.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vaezoo.errors import ConfigError, StoreError, VaezooError

HOST = re.sub(r"[^A-Za-z0-9-]", "-", platform.node()) or "host"
STALE_S = 600.0
"""Age in seconds at which an unchanged part of another machine's process counts as abandoned."""


def write_whole(
    path: Path,
    content: bytes | Callable[[Path], object],
    *,
    replace: bool = True,
    keep: Path | None = None,
    flush: bool = True,
    error: type[VaezooError] = StoreError,
) -> None:
    """Writes a file beside its place, flushes it to the disk and moves it there.

    Args:
        path: Path of the file.
        content: Bytes of the file, or a function that writes them to a given path.
        replace: Whether an existing file may be replaced, even one that appeared a moment ago.
        keep: Path that the former file is moved to. None means that it is not kept.
        flush: Whether to wait until the disk has the bytes. False is for notes that may be lost.
        error: Class of the error if the file cannot be written.

    Raises:
        ConfigError: The file exists and must not be replaced.
        StoreError: The file cannot be written; or another ``error``. The former file is still there.
    """
    part = path.with_name(f".vaezoo.{writer()}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        if callable(content):
            content(part)
        else:
            part.write_bytes(content)
        if flush:
            _flush(part, os.O_RDWR)
        if keep is not None:
            with suppress(FileNotFoundError):
                os.replace(path, keep)
        if replace:
            os.replace(part, path)
        else:
            _move_to_free(part, path)
        if flush:
            flush_folder(path.parent)
    except FileExistsError as cause:
        raise ConfigError(
            f"{path} exists already.", hint="Allow to overwrite it, or choose another name.", value=str(path)
        ) from cause
    except OSError as cause:
        raise error(
            f"{path} cannot be written: {cause.strerror or cause}.", hint="Nothing was replaced.", value=str(path)
        ) from cause
    finally:
        with suppress(OSError):  # it is gone, never existed, or cannot be accessed
            part.unlink()


def _move_to_free(part: Path, path: Path) -> None:
    """Moves a part to a new name. Raises FileExistsError if the name is taken."""
    try:
        os.link(part, path)  # unlike a rename, it never replaces
    except FileExistsError:
        raise
    except OSError:  # not every file system has links: an empty file takes the name first
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            os.replace(part, path)
        except OSError:
            path.unlink()
            raise


def flush_folder(folder: Path) -> None:
    """Flushes a folder's entries to the disk, if the system supports it."""
    with suppress(OSError):
        _flush(folder, os.O_RDONLY)


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, error: type[VaezooError] | None = None) -> None:
    """Creates a folder and its parents, if missing.

    Args:
        folder: Path of the folder.
        error: Class that replaces both of the errors below.

    Raises:
        ConfigError: A file is in the way.
        StoreError: The folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        if error is None and isinstance(cause, (FileExistsError, NotADirectoryError)):
            message = f"Expected a folder, got {folder}, where a file is in the way."
            raise ConfigError(message, hint="Choose another.", value=str(folder)) from cause
        kind = error or StoreError
        raise kind(f"The folder {folder} cannot be made: {cause.strerror}.", value=str(folder)) from cause


def writer() -> str:
    """Returns a new part of a file name that identifies this process: machine, process number, random digits."""
    return f"{HOST}.{os.getpid()}.{secrets.token_hex(4)}"


def is_abandoned(part: Path) -> bool:
    """Says whether a part ``NAME.WRITER.part``, or a folder beside it, has no running writer."""
    owner = part.name.lstrip(".").partition(".part")[0].split(".")[1:]
    if len(owner) != 3 or not owner[1].isdigit():
        return True
    if owner[0] != HOST or os.name == "nt":  # signal 0 would end the process there
        with suppress(OSError):
            return time.time() - part.lstat().st_mtime > STALE_S
        return False
    try:
        os.kill(int(owner[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def sweep(folder: Path) -> None:
    """Removes the parts that killed processes left in a folder."""
    for part in folder.glob(".vaezoo.*.*.*.part"):
        if is_abandoned(part):
            with suppress(OSError):
                remove(part)


def remove(path: Path) -> None:
    """Removes a file, a link, or a folder with its content. What a link leads to stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
