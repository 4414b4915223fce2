"""The keeper of the zoo: finds plugins, lets no broken one harm another, and holds the registry."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pluggy

from ..errors import PluginError, VaezooError, suggest
from . import hookspecs
from .registry import HOUSE, Registry, Source

GROUP = "vaezoo.plugins"
Target = TypeVar("Target", bound=Callable[..., Any])


@dataclass(frozen=True)
class Plugin:
    """What became of one plugin.

    Attributes:
        name: ``distribution:entry-point``.
        version: Of the distribution.
        target: What the entry point names.
        status: ``ok``, ``disabled``, ``incompatible``, ``import-failed``, ``invalid`` or ``hook-raised``.
        cause: Why it is not ok.
    """

    name: str
    version: str
    target: str
    status: str
    cause: str = ""


class Keeper:
    """Loads plugins, each guarded, and keeps what they register.

    Args:
        entry_points: The plugins; None takes all installed ones.
        strict: Whether a broken plugin raises at once instead of costing its own models only.
        disabled: Names of plugins, whole or entry point, that are not loaded.

    Attributes:
        registry: What is registered.
        plugins: What became of each plugin.
    """

    def __init__(
        self,
        entry_points: list[importlib.metadata.EntryPoint] | None = None,
        *,
        strict: bool = False,
        disabled: frozenset[str] = frozenset(),
    ) -> None:
        self.registry = Registry(HOUSE)
        self.registry.add_file(Path(__file__).with_name("builtin.yaml"))
        self.registry.add_file(_shelf())
        self.plugins: list[Plugin] = []
        self.strict, self.disabled = strict, disabled
        found = importlib.metadata.entry_points(group=GROUP) if entry_points is None else entry_points
        for entry in sorted(found, key=lambda entry: (_identity(entry).partition(":")[0] != HOUSE, _identity(entry))):
            self._load(entry)

    def _load(self, entry: importlib.metadata.EntryPoint) -> None:
        name = _identity(entry)
        try:
            status, cause, error = self._admit(entry, name)
        except SystemExit as exit_:
            status, cause, error = "import-failed", f"it called exit({exit_.code})", exit_
        version = entry.dist.version if entry.dist else ""
        self.plugins.append(Plugin(name, version, entry.value, status, cause))
        if status not in ("ok", "disabled"):
            if self.strict:
                raise PluginError(f"The plugin {name} is {status}: {cause}", value=name) from error
            warnings.warn(f"vaezoo: the plugin {name} is {status}: {cause}", stacklevel=2)

    def _admit(self, entry: importlib.metadata.EntryPoint, name: str) -> tuple[str, str, BaseException | None]:
        if self.disabled & {name, entry.name}:
            return "disabled", "named in VAEZOO_DISABLE_PLUGINS", None
        if any(p.name == name for p in self.plugins):
            return "invalid", "another plugin has the same distribution and entry point", None
        try:
            module = entry.load()
        except Exception as error:
            return "import-failed", f"{type(error).__name__}: {error}", error
        api = getattr(module, "VAEZOO_API", hookspecs.API)
        if not isinstance(api, int) or api > hookspecs.API:
            return "incompatible", f"it needs API {api}, this vaezoo has {hookspecs.API}", None
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        try:
            manager.register(module, name)
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            unknown = [n for n in dir(module) if n.startswith("vaezoo_") and not hasattr(hookspecs, n)]
            hint = suggest(unknown[0], [n for n in dir(hookspecs) if n.startswith("vaezoo_")]) if unknown else ""
            return "invalid", f"{str(error).splitlines()[-1]} {hint}".strip(), error
        staged = Registry(name)
        try:
            for files in manager.hook.vaezoo_registry_files():
                for path in files:
                    staged.add_file(Path(path))
            self.registry.merge(staged)
        except VaezooError as error:
            return "invalid", str(error), error
        except Exception as error:
            return "hook-raised", f"{type(error).__name__}: {error}", error
        return "ok", "", None

    def failed(self) -> list[Plugin]:
        """Returns the plugins that are neither ok nor disabled."""
        return [p for p in self.plugins if p.status not in ("ok", "disabled")]


def _identity(entry: importlib.metadata.EntryPoint) -> str:
    return f"{entry.dist.name if entry.dist else 'local'}:{entry.name}"


def _shelf() -> Path:
    """Returns registry.yaml: inside the installed package, else beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "registry.yaml"
    return inside if inside.exists() else package.parent / "registry.yaml"


@cache
def keeper() -> Keeper:
    """Returns the zoo's keeper, made at first use from the installed plugins and the environment."""
    disabled = os.environ.get("VAEZOO_DISABLE_PLUGINS", "")
    return Keeper(
        strict=os.environ.get("VAEZOO_STRICT_PLUGINS", "") not in ("", "0"),
        disabled=frozenset(n.strip() for n in disabled.split(",") if n.strip()),
    )


def plugins() -> list[Plugin]:
    """Returns every plugin found, with its status and, where it failed, the cause."""
    return list(keeper().plugins)


def _register_part(slot: str, name: str, target: Any, facts: Any, summary: str) -> Any:
    def add(implementation: Target) -> Target:
        keeper().registry.add_part(slot, name, implementation, facts, summary, Source("user"))
        return implementation

    return add if target is None else add(target)


def register_encoder(name: str, target: Any = None, *, facts: Callable[..., Any], summary: str = "") -> Any:
    """Registers an encoder for this process; a decorator when no target is given.

    Args:
        name: Lower case words joined by hyphens.
        target: The class, or ``"package.module:Class"``.
        facts: Function of the same keyword arguments that returns its ``EncoderFacts``.
        summary: One sentence.

    Raises:
        ConfigError: The name is malformed.
        DuplicateName: The name is taken.
    """
    return _register_part("encoder", name, target, facts, summary)


def register_decoder(name: str, target: Any = None, *, facts: Callable[..., Any], summary: str = "") -> Any:
    """Registers a decoder for this process, see :func:`register_encoder`."""
    return _register_part("decoder", name, target, facts, summary)


def register_prior(name: str, target: Any = None, *, facts: Callable[..., Any], summary: str = "") -> Any:
    """Registers a prior for this process, see :func:`register_encoder`."""
    return _register_part("prior", name, target, facts, summary)


def register_loss(name: str, target: Any = None, *, facts: Callable[..., Any], summary: str = "") -> Any:
    """Registers a loss for this process, see :func:`register_encoder`."""
    return _register_part("loss", name, target, facts, summary)


def register_conditioner(name: str, target: Any = None, *, facts: Callable[..., Any], summary: str = "") -> Any:
    """Registers a conditioner for this process, see :func:`register_encoder`."""
    return _register_part("conditioner", name, target, facts, summary)


def register_model(name: str, body: Mapping[str, Any] | None = None) -> Any:
    """Registers a named model for this process; a decorator of a function that returns the body when none is given.

    Args:
        name: Lower case words joined by hyphens.
        body: As in a registry file: ``encoder``, ``prior``, ``decoder``, ``loss``, ``conditioner``, ``shared`` …

    Raises:
        ConfigError: The name is malformed or a slot is missing.
        DuplicateName: The name is taken.
    """

    def add(make: Callable[[], Mapping[str, Any]]) -> Callable[[], Mapping[str, Any]]:
        keeper().registry.add_model(name, make(), Source("user"))
        return make

    if body is None:
        return add
    keeper().registry.add_model(name, body, Source("user"))
    return body
