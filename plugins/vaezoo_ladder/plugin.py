"""What this plugin tells the zoo. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaezoo import ConformanceCase, hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_registry_files() -> list[Path]:
    """Returns this plugin's registry file."""
    return [Path(__file__).with_name("registry.yaml")]


@hookimpl
def vaezoo_conformance_cases() -> list[ConformanceCase]:
    """Returns what the contract kit is to test."""
    return [
        ConformanceCase("denoise", {"widths": [16, 24, 32], "blocks": 1}),
        ConformanceCase("sr-fast", {"widths": [16, 24, 32], "blocks": 1, "finest_blocks": 1}),
        ConformanceCase("ladder-vae"),
        ConformanceCase("vdvae-small", {"depths": [2, 2, 2]}),
    ]


@hookimpl
def vaezoo_after_create(name: str, model: Any) -> None:
    """Lets a model of this plugin work with channels last on a CPU, where its convolutions are faster so."""
    if type(model.conditioner).__module__ in ("vaezoo_ladder.networks", "vaezoo_ladder.enlarge"):
        from .layout import work_channels_last

        work_channels_last(model.conditioner)
