"""Writing folders of files that belong together. They are written beside their place, then swapped as a whole."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from vaezoo.errors import StoreError
from vaezoo.files.atomic import flush_folder, make_folder, sweep, write_whole, writer

_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a folder: all of them or none. Files with other names stay.

    Raises:
        ConfigError: A file is in the way.
        StoreError: The folder cannot be written. It is left as it was.
    """
    folder = folder.resolve()
    make_folder(folder if folder.exists() else folder.parent)
    sweep(folder.parent)
    draft = folder.with_name(f".vaezoo.{writer()}.part")
    there = folder.is_dir()
    try:
        if there:
            shutil.copytree(
                folder,
                draft,
                symlinks=True,
                copy_function=_link,
                ignore=lambda where, names: [n for n in names if n in files and Path(where) == folder],
            )
        else:
            draft.mkdir()
        for name, content in files.items():
            write_whole(draft / name, content)
        if there:
            _swap(draft, folder)
        else:
            os.rename(draft, folder)
        flush_folder(folder.parent)
    except (OSError, shutil.Error) as error:
        cause = error.strerror or str(error)
        raise StoreError(
            f"{folder} cannot be written: {cause}.", hint="Nothing was replaced.", value=str(folder)
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _link(source: str, target: str) -> None:
    """Makes a hard link to a file, which takes no space. Copies it if the file system has no links."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _swap(draft: Path, folder: Path) -> None:
    """Swaps two folders: in one step on Linux, in two steps elsewhere."""
    if _exchange(draft, folder):
        return
    aside = folder.with_name(f"{folder.name}.before-{secrets.token_hex(4)}")  # kept if the power fails now
    os.rename(folder, aside)
    try:
        os.rename(draft, folder)
    except OSError:
        os.rename(aside, folder)
        raise
    os.rename(aside, draft)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two names in one step. Returns False if the system cannot."""
    with suppress(OSError, AttributeError, TypeError):
        call = ctypes.CDLL(None, use_errno=True).renameat2
        return bool(call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)
    return False
