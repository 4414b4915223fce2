"""Files that are written whole or not at all, whenever the power fails. What is in them is not known here."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from vaezoo.errors import ConfigError, StoreError


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file beside its place, flushes it to the disk and moves it there.

    Raises:
        StoreError: It cannot be written; what was there before still is.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        flush_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}.", hint="Nothing was replaced.", value=str(path)
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Flushes a folder's list of names to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, where they are missing.

    Raises:
        ConfigError: A file is in the way.
        StoreError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(
            f"Expected a folder, got {folder}, where a file is in the way.", hint="Choose another.", value=str(folder)
        ) from error
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be made: {error.strerror}.", value=str(folder)) from error
