"""Finding files in folders that an environment variable lists, as in ``$PATH``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path


def folders_of(variable: str) -> list[Path]:
    """Returns the folders that a variable lists; empty if it is not set."""
    return [Path(folder) for folder in os.environ.get(variable, "").split(os.pathsep) if folder]


def find_in_folders(variable: str, paths: Sequence[str], accept: Callable[[Path], bool] = Path.exists) -> Path | None:
    """Finds the first existing of some relative paths, in the first folder that has one; None if no folder does.

    Args:
        variable: Name of the variable that lists the folders.
        paths: Paths relative to the folders, in order of preference.
        accept: Function that says whether a path is acceptable.
    """
    return next((folder / path for folder in folders_of(variable) for path in paths if accept(folder / path)), None)


def named_folders(variable: str) -> str:
    """Returns the folders for an error message: their list, or that none is set."""
    return ", ".join(map(str, folders_of(variable))) or "none is set"
