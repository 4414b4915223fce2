"""Files in the folders that an environment variable names, separated as in ``$PATH``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path


def folders_of(variable: str) -> list[Path]:
    """Returns the folders that a variable names, none where it is not set."""
    return [Path(folder) for folder in os.environ.get(variable, "").split(os.pathsep) if folder]


def find_in_folders(variable: str, paths: Sequence[str], accept: Callable[[Path], bool] = Path.exists) -> Path | None:
    """Returns the first of some relative paths that is in the first folder that has one; None where none has.

    Args:
        variable: Names the folders.
        paths: Relative to them, the most wanted first.
        accept: Whether a path is what is looked for.
    """
    return next((folder / path for folder in folders_of(variable) for path in paths if accept(folder / path)), None)


def named_folders(variable: str) -> str:
    """Returns the folders for a message: their list, or that none is set."""
    return ", ".join(map(str, folders_of(variable))) or "none is set"
