"""The plugin manager: loads plugins, keeps a broken one from harming others, and holds the registry."""

from __future__ import annotations

import importlib.metadata
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pluggy

from vaezoo.errors import DuplicateName, PluginError
from vaezoo.host.admit import admit
from vaezoo.host.find import GROUP, Candidate, candidate, in_folders, installed
from vaezoo.host.guard import LIMIT_S, Refused, limit
from vaezoo.host.hookspecs import ConformanceCase
from vaezoo.host.settings import settings
from vaezoo.registry.entries import HOUSE, Service, Source
from vaezoo.registry.registry import Registry
from vaezoo.store.schemes import LOCAL, REMOTE

__all__ = ["GROUP", "Zoo", "Plugin", "current_zoo", "plugins"]


@dataclass(frozen=True)
class Plugin:
    """Result of loading one plugin.

    Attributes:
        name: Name, ``distribution:entry-point``.
        version: Version of the distribution.
        target: Object that the entry point names.
        status: ``ok``, ``disabled``, ``incompatible``, ``import-failed``, ``invalid`` or ``hook-raised``.
        cause: Reason why the status is not ``ok``.
        note: Advice to the plugin's author, though the status is ``ok``.
    """

    name: str
    version: str
    target: str
    status: str
    cause: str = ""
    note: str = ""

    @property
    def short(self) -> str:
        """Name of the entry point."""
        return self.name.rpartition(":")[2]


class Zoo:
    """Loads plugins, each under a guard, and keeps what they register.

    Args:
        entry_points: Entry points of the plugins. None means all installed ones.
        strict: Whether a broken plugin raises at once. Otherwise only its own models are missing.
        disabled: Names of plugins that are not loaded, full or of the entry point.
        only: Names of the only plugins to load besides vaezoo's own. None means all.
        folders: Folders with further plugins, joined as in ``$PATH``. They precede installed ones of the same name.
        prefer: Plugins that win a name that several have, the first most.
        limit_s: Seconds allowed to import a plugin, and as many to declare what it has.

    Attributes:
        registry: Registry of all loaded plugins.
        plugins: Result of loading each plugin.
        cases: Cases for the contract kit, by plugin.
    """

    def __init__(
        self,
        entry_points: list[importlib.metadata.EntryPoint] | None = None,
        *,
        strict: bool = False,
        disabled: frozenset[str] = frozenset(),
        only: frozenset[str] | None = None,
        folders: str = "",
        prefer: tuple[str, ...] = (),
        limit_s: float = LIMIT_S,
    ) -> None:
        self.registry = Registry(HOUSE)
        self.registry.add_file(Path(__file__).with_name("builtin.yaml"))
        self.registry.add_file(Path(__file__).parents[1] / "data" / "sets.yaml")
        self.registry.add_file(_registry_file())
        for path in sorted(_registry_file().with_name("recipes").glob("*.yaml")):
            with path.open(encoding="utf-8") as file:
                summary = file.readline().lstrip("# ").strip()
            self.registry.add("recipe", path.stem, f"{HOUSE}:recipes/{path.name}", summary, Source(HOUSE, path.name, 1))
        ours: dict[str, Callable[..., Any]] = {**LOCAL, **REMOTE}
        for scheme, source in ours.items():
            self.registry.schemes.add(scheme, HOUSE, Service(source, "", Source(HOUSE)))
        self.plugins: list[Plugin] = []
        self.cases: dict[str, tuple[ConformanceCase, ...]] = {}
        self._managers: dict[str, pluggy.PluginManager] = {}
        self.strict, self.disabled, self.only, self.limit_s = strict, disabled, only, limit_s
        local = in_folders(folders)
        nearer = {each.name for each in local}
        found = installed() if entry_points is None else [candidate(entry) for entry in entry_points]
        found = local + [each for each in found if each.name not in nearer]
        for each in sorted(found, key=lambda each: (not _of_house(each.name), each.name)):
            self._load(each)
        self.registry.prefer(prefer)

    def _load(self, found: Candidate) -> None:
        status, cause, note, error = "ok", self._left_out(found), "", None
        if cause:
            status = "disabled"
        else:
            try:
                note = self._admit(found)
            except Refused as refused:
                status, cause, error = refused.status, refused.cause, refused.__cause__
        self.plugins.append(Plugin(found.name, found.version, found.entry.value, status, cause, note))
        if status not in ("ok", "disabled"):
            if self.strict:
                raise PluginError(f"The plugin {found.name} is {status}: {cause}", value=found.name) from error
            warnings.warn(f"vaezoo: the plugin {found.name} is {status}: {cause}", stacklevel=2)

    def _left_out(self, found: Candidate) -> str:
        """Returns why a plugin must not be loaded; empty if it may."""
        names = {found.name, found.entry.name}
        if self.disabled & names:
            return "named in VAEZOO_DISABLE_PLUGINS"
        if self.only is not None and not (self.only & names or _of_house(found.name)):
            return "not named in VAEZOO_PLUGINS"
        return ""

    def _admit(self, found: Candidate) -> str:
        if any(p.name == found.name for p in self.plugins):
            raise Refused("invalid", "another plugin has the same distribution and entry point")
        admitted = admit(found, self.limit_s)
        try:
            self.registry.merge(admitted.registry)
        except DuplicateName as error:
            raise Refused("invalid", str(error)) from error
        self._managers[found.name], self.cases[found.name] = admitted.manager, admitted.cases
        return admitted.note

    def failed(self) -> list[Plugin]:
        """Lists the plugins that are neither ``ok`` nor ``disabled``."""
        return [p for p in self.plugins if p.status not in ("ok", "disabled")]

    def implementations(self, hook: str) -> Iterator[tuple[str, Callable[..., list[Any]]]]:
        """Yields each plugin that implements an acting hook, with a function that calls it by keyword."""
        for name, manager in self._managers.items():
            caller = getattr(manager.hook, hook)
            if caller.get_hookimpls():
                yield name, caller


def _of_house(name: str) -> bool:
    return name.partition(":")[0] == HOUSE


def _registry_file() -> Path:
    """Returns registry.yaml: inside the installed package, else beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "registry.yaml"
    return inside if inside.exists() else package.parent / "registry.yaml"


@cache
def current_zoo() -> Zoo:
    """Returns the zoo of this process. It is made at first use, from installed plugins, environment and settings.

    Raises:
        PluginError: A plugin is broken, and ``$VAEZOO_STRICT_PLUGINS`` is set.
        ConfigError: A variable or the user's configuration is malformed.
    """
    only = os.environ.get("VAEZOO_PLUGINS")
    return Zoo(
        strict=os.environ.get("VAEZOO_STRICT_PLUGINS", "") not in ("", "0"),
        disabled=_names(os.environ.get("VAEZOO_DISABLE_PLUGINS", "")),
        only=None if only is None else _names(only),
        folders=os.environ.get("VAEZOO_PLUGIN_PATH", ""),
        prefer=settings().prefer,
        limit_s=limit(),
    )


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def plugins() -> list[Plugin]:
    """Returns every plugin found, with its status and, where it failed, the cause."""
    return list(current_zoo().plugins)
