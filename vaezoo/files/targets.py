"""Whether a file can be written, asked before the work for it is done."""

from __future__ import annotations

import os
from pathlib import Path

from vaezoo.errors import ImageError, VaezooError


def check_target(path: str | os.PathLike[str], error: type[VaezooError] = ImageError) -> None:
    """Raises if a file can certainly not be written. Writes nothing.

    Args:
        path: Path of the file. Its folder may be missing, if it can be created.
        error: Class of the error.

    Raises:
        ImageError: The name is too long or no name, a folder has it, or the folder is none or cannot be written; or
            another ``error``.
    """
    cause = ""
    try:
        if os.path.isdir(path):
            cause = "it is a folder"
        else:
            os.lstat(path)
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        cause = "a file is where its folder should be"
    except ValueError as reason:  # no file can have this name
        cause = str(reason)
    except OSError as reason:
        cause = reason.strerror or type(reason).__name__
    if not cause:
        folder = next((above for above in Path(path).absolute().parents if os.path.isdir(above)), None)
        if folder is None or not os.access(folder, os.W_OK | os.X_OK):
            cause = f"the folder {folder} cannot be written"
    if cause:
        raise error(f"{path} cannot be written: {cause}.", hint="Give another output.", value=str(path))
