"""What this plugin tells the zoo. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from vaezoo import ConformanceCase, hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_registry_files() -> list[Path]:
    """Returns this plugin's registry file."""
    return [Path(__file__).with_name("registry.yaml")]


@hookimpl
def vaezoo_conformance_cases() -> list[ConformanceCase]:
    """Returns what the contract kit is to test."""
    return [ConformanceCase("lowlight")]
