"""The hooks a plugin may implement. A hook is here only if a real plugin uses it."""

from __future__ import annotations

from pathlib import Path

import pluggy

PROJECT = "vaezoo"
API = 1
"""Version of these hooks; a plugin that sets ``VAEZOO_API`` to a higher one is refused as incompatible."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def vaezoo_registry_files() -> list[Path]:  # type: ignore[empty-body]
    """Returns registry files: YAML that declares parts, models and weights, read without importing torch."""
