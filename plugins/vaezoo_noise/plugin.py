"""What this plugin tells the zoo. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from vaezoo import ConformanceCase, hookimpl

VAEZOO_API = 1

KINDS = ("GaussianNoiseKind", "PoissonGaussianKind", "HistogramKind", "MixtureKind")


@hookimpl
def vaezoo_registry_files() -> list[Path]:
    """Returns this plugin's registry file."""
    return [Path(__file__).with_name("registry.yaml")]


@hookimpl
def vaezoo_conformance_cases() -> list[ConformanceCase]:
    """Returns what the contract kit is to test: the model under each noise."""
    small = {"encoder": {"widths": [8, 16]}}
    return [
        ConformanceCase(
            "divnoising", {**small, "decoder": {"widths": [8, 16], "likelihood": f"vaezoo_noise.kinds:{kind}"}}
        )
        for kind in KINDS
    ]
