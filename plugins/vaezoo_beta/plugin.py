"""What this plugin tells the zoo. Imports no torch."""

from __future__ import annotations

from vaezoo import ConformanceCase, PartDeclaration, hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_losses() -> dict[str, PartDeclaration]:
    """Returns this plugin's losses."""
    return {
        "beta": PartDeclaration(
            "vaezoo_beta.losses:BetaLoss",
            "vaezoo_beta.facts:beta",
            "Higgins' β, plain or normalised by the sizes of image and latent.",
        ),
        "capacity": PartDeclaration(
            "vaezoo_beta.losses:CapacityLoss", "vaezoo_beta.facts:capacity", "Burgess' controlled capacity."
        ),
    }


@hookimpl
def vaezoo_conformance_cases() -> list[ConformanceCase]:
    """Returns what the contract kit is to test."""
    return [
        ConformanceCase("mlp-vae", {"loss": {"name": "beta", "beta": 4.0}}),
        ConformanceCase("mlp-vae", {"loss": {"name": "capacity", "gamma": 1.0}}),
    ]
