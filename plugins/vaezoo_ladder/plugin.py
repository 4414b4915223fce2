"""Hooks of this plugin. Imports no torch."""

from __future__ import annotations

from typing import Any

from vaezoo import hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_after_create(name: str, model: Any) -> None:
    """Makes models of this plugin work with channels last on a CPU, where their convolutions are then faster."""
    if type(model.conditioner).__module__ in ("vaezoo_ladder.networks", "vaezoo_ladder.enlarge"):
        from .layout import work_channels_last

        work_channels_last(model.conditioner)
