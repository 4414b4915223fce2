"""Finding plugins, in installed distributions and in the folders of ``$VAEZOO_PLUGIN_PATH``. Imports none of them."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from vaezoo.errors import ConfigError
from vaezoo.files.variables import path_in
from vaezoo.registry.entries import HOUSE

GROUP = "vaezoo.plugins"
_MARKS = ("plugin.py", "registry.yaml")
"""Files that make a package a plugin."""


@dataclass(frozen=True)
class Candidate:
    """A plugin that was found but not yet loaded.

    Attributes:
        name: Name, ``distribution:entry-point``.
        entry: Entry point.
        version: Version of the distribution.
        local: Folder of its package, if it is not installed.
        needs: Requirements of a local distribution.
        fault: Reason why it cannot be loaded, found without importing it.
    """

    name: str
    entry: importlib.metadata.EntryPoint
    version: str = ""
    local: Path | None = None
    needs: tuple[str, ...] = ()
    fault: str = ""

    @property
    def requires(self) -> Iterable[str]:
        """Requirements of its distribution."""
        return (self.entry.dist.requires or ()) if self.entry.dist else self.needs

    @property
    def module(self) -> str:
        """Module that its entry point names."""
        return self.entry.value.partition("[")[0].partition(":")[0].strip()

    def source(self) -> Path | None:
        """Returns the file of that module, found by its distribution's metadata; None if it is elsewhere."""
        stem = self.module.replace(".", "/")
        for tail in (f"{stem}.py", f"{stem}/__init__.py"):
            path = self.local / tail if self.local else None
            if path is None and self.entry.dist:
                path = Path(str(self.entry.dist.locate_file(tail)))
            if path and path.is_file():
                return path
        return None


@lru_cache(maxsize=1)  # entry points of a distribution come together; metadata would be parsed for each
def _identity(dist: importlib.metadata.Distribution) -> tuple[str, str]:
    metadata = dist.metadata
    return metadata["Name"], metadata["Version"]


def candidate(entry: importlib.metadata.EntryPoint) -> Candidate:
    """Returns the candidate of an entry point."""
    try:
        dist, version = _identity(entry.dist) if entry.dist else ("local", "")
    except Exception:  # metadata that cannot be read
        dist, version = None, ""
    return Candidate(f"{dist or 'unknown'}:{entry.name}", entry, version or "")


def installed() -> list[Candidate]:
    """Lists the plugins of installed distributions. One with broken metadata does not hide the others."""
    try:
        return [candidate(entry) for entry in importlib.metadata.entry_points(group=GROUP)]
    except Exception:
        pass
    found: dict[str, Candidate] = {}
    for dist in importlib.metadata.distributions():
        try:
            each = [candidate(entry) for entry in dist.entry_points.select(group=GROUP)]
        except Exception as error:
            name = str(getattr(dist, "name", None) or "unknown")
            each = [_faulty(f"{name}:?", f"its entry_points.txt cannot be read ({type(error).__name__}: {error})")]
        for one in each:
            found.setdefault(one.name, one)
    return list(found.values())


def in_folders(text: str) -> list[Candidate]:
    """Lists the plugins in folders, which are joined as in ``$PATH``.

    A folder is a checkout whose pyproject.toml names entry points, or it contains packages that have a ``plugin.py`` or
    a ``registry.yaml``.
    """
    return [each for folder in filter(None, text.split(os.pathsep)) for each in _in_folder(folder)]


def _in_folder(text: str) -> list[Candidate]:
    folder = Path(text)
    try:
        folder = path_in("VAEZOO_PLUGIN_PATH", text)
        if (folder / "pyproject.toml").is_file():
            return _checkout(folder)
        found = [
            Candidate(f"local:{name}", _entry(name, package.name + tail), "", folder.absolute())
            for package in sorted({file.parent for word in _MARKS for file in folder.glob(f"*/{word}")})
            for name in [package.name.removeprefix("vaezoo_").replace("_", "-")]
            for tail in [".plugin" if (package / "plugin.py").is_file() else ""]
        ]
    except ConfigError as error:
        return [_faulty(f"local:{folder}", str(error))]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return [_faulty(f"local:{folder}", f"{type(error).__name__}: {error}")]
    if found:
        return found
    cause = (
        "expected a checkout with a pyproject.toml, or packages with a registry.yaml or a plugin.py"
        if folder.is_dir()
        else "no folder"
    )
    return [_faulty(f"local:{folder}", f"VAEZOO_PLUGIN_PATH names it: {cause}")]


def _checkout(folder: Path) -> list[Candidate]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    entries = project.get("entry-points", {}).get(GROUP, {})
    name, version = str(project.get("name", "local")), str(project.get("version", ""))
    if not entries:
        return [_faulty(f"{name}:?", f"{folder / 'pyproject.toml'} has no entry point of the group {GROUP}")]
    if name == HOUSE:
        return [_faulty(f"local:{folder}", "a folder cannot take the place of vaezoo itself")]
    found = []
    for key, value in entries.items():
        package = str(value).partition(":")[0].partition(".")[0]
        place = folder / "src" if any((folder / "src").glob(f"{package}*")) else folder
        needs = tuple(map(str, project.get("dependencies", ())))
        found.append(Candidate(f"{name}:{key}", _entry(key, str(value)), version, place.absolute(), needs))
    return found


def _entry(name: str, value: str) -> importlib.metadata.EntryPoint:
    return importlib.metadata.EntryPoint(name, value, GROUP)


def _faulty(name: str, fault: str) -> Candidate:
    return Candidate(name, _entry(name.rpartition(":")[2], ""), fault=fault)


@dataclass
class LocalImports:
    """An entry of ``sys.meta_path`` that finds the packages of local plugins, but not what lies beside them.

    Attributes:
        places: Folder of each package.
    """

    places: dict[str, str] = field(default_factory=dict)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Returns the spec of a package, as ``sys.meta_path`` requires."""
        return PathFinder.find_spec(name, [self.places[name]], target) if name in self.places else None


LOCAL_IMPORTS = LocalImports()


def make_importable(found: Candidate) -> None:
    """Makes a local plugin's package importable, with precedence over an installed one of that name."""
    if found.local:
        LOCAL_IMPORTS.places[found.module.partition(".")[0]] = str(found.local)
        if LOCAL_IMPORTS not in sys.meta_path:
            sys.meta_path.insert(0, LOCAL_IMPORTS)  # type: ignore[arg-type]
