"""The hooks a plugin may implement. A hook is here only if a real plugin uses it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from .registry import Registry

PROJECT = "vaezoo"
API = 1
"""Version of these hooks; a plugin that sets ``VAEZOO_API`` to a higher one is refused as incompatible."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def vaezoo_registry_files() -> list[Path]:  # type: ignore[empty-body]
    """Returns registry files: YAML that declares parts, models and weights, read without importing torch."""


@hookspec
def vaezoo_register(registry: Registry) -> None:
    """Adds parts or models in code, for what a file cannot say.

    Args:
        registry: A registry of this plugin's own, committed to the zoo if every hook returns.
    """
