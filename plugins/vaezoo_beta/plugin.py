"""What this plugin tells the zoo. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from vaezoo import ConformanceCase, PartDeclaration, hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_registry_files() -> list[Path]:
    """Returns this plugin's registry file: its models."""
    return [Path(__file__).with_name("registry.yaml")]


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
        "cyclical": PartDeclaration(
            "vaezoo_beta.schedules:CyclicalLoss", "vaezoo_beta.facts:cyclical", "A β that rises anew in each cycle."
        ),
        "linear": PartDeclaration(
            "vaezoo_beta.schedules:LinearLoss", "vaezoo_beta.facts:linear", "A β that goes from one value to another."
        ),
    }


@hookimpl
def vaezoo_conformance_cases() -> list[ConformanceCase]:
    """Returns what the contract kit is to test."""
    return [
        ConformanceCase("mlp-vae", {"loss": {"name": "beta", "beta": 4.0}}),
        ConformanceCase("mlp-vae", {"loss": {"name": "capacity", "gamma": 1.0}}),
        ConformanceCase("cyclical-vae"),
        ConformanceCase("disentangled-beta-vae", {"loss": {"gamma": 1.0}}),
        ConformanceCase("mlp-vae", {"loss": {"name": "linear", "first": 0.1}}),
    ]
