"""Paths that environment variables name."""

from __future__ import annotations

from pathlib import Path

from vaezoo.errors import ConfigError


def path_in(variable: str, text: str) -> Path:
    """Returns the absolute path that an environment variable names. ``~`` is the home folder, ``~NAME`` a user's.

    Args:
        variable: Name of the variable, for the message.
        text: Value of the variable, or one of its paths.

    Raises:
        ConfigError: There is no such user or home folder, or the path is relative to a folder that was removed.
    """
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        message = f"Expected {variable} to name a path, got {text!r}: {str(error).rstrip('.')}."
        raise ConfigError(message, hint="Give an absolute path.", value=text) from error
