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
    """Returns what the contract kit is to test: each model, a codebook that learns by gradient, and codes in turn."""
    by_gradient = ConformanceCase("vq-vae", {"prior": {"learn": "gradient"}})
    in_turn = ConformanceCase("vq-vae", {"prior": {"name": "autoregressive", "width": 16, "layers": 2}})
    models = ("vq-vae", "vq-vae-2", "residual-vq-vae", "product-vq-vae", "fsq-vae")
    return [*map(ConformanceCase, models), by_gradient, in_turn]
