"""The user's configuration file: preferred plugins and accepted licences."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vaezoo.errors import ConfigError
from vaezoo.files.variables import path_in
from vaezoo.files.yaml import read_yaml


@dataclass(frozen=True)
class Settings:
    """A user's configuration.

    Attributes:
        prefer: Plugins that win a name that several have, the first most.
        licences: Accepted licences of weights. None means any.
        path: Path of the file, or None if there is none.
    """

    prefer: tuple[str, ...] = ()
    licences: tuple[str, ...] | None = None
    path: Path | None = None


def settings_file() -> Path | None:
    """Returns the path of the file, or None.

    It is ``$VAEZOO_CONFIG``, or else ``vaezoo/config.yaml`` in the XDG configuration folder if that exists.

    Raises:
        ConfigError: ``$VAEZOO_CONFIG`` does not name a file.
    """
    if given := os.environ.get("VAEZOO_CONFIG"):
        path = path_in("VAEZOO_CONFIG", given)
        if not path.is_file():
            raise ConfigError(f"Expected VAEZOO_CONFIG to name a file, got {given!r}.", value=given)
        return path
    xdg = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        folder = Path(xdg) if os.path.isabs(xdg) else Path.home() / ".config"  # XDG says to ignore a relative path
    except RuntimeError:  # a user without a home folder
        return None
    path = folder / "vaezoo" / "config.yaml"
    with suppress(OSError):  # the home folder may belong to somebody else
        if path.is_file():
            return path
    return None


def settings() -> Settings:
    """Reads the user's configuration.

    Raises:
        ConfigError: The file cannot be read, or has an unknown key. The message has file and line.
    """
    path = settings_file()
    if path is None:
        return Settings()
    top = read_yaml(path)
    top.check({"prefer", "licences"}, str(path))
    lists: dict[str, tuple[str, ...]] = {}
    for key, value in top.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError(
                f"{path}, line {top.lines[key]}: expected {key} as a list of texts, got {value!r}.", value=value
            )
        lists[key] = tuple(value)
    return Settings(lists.get("prefer", ()), lists.get("licences"), path)
