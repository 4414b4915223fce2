"""What this plugin tells the zoo. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from vaezoo import ConformanceCase, PartDeclaration, hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_registry_files() -> list[Path]:
    """Returns this plugin's registry file, which declares its models."""
    return [Path(__file__).with_name("registry.yaml")]


@hookimpl
def vaezoo_encoders() -> dict[str, PartDeclaration]:
    """Returns the encoder whose belief is a Gaussian that a flow moves."""
    return {
        "flow-mlp": PartDeclaration(
            "vaezoo_flows.encoder:FlowDenseEncoder",
            "vaezoo_flows.facts:encoder",
            "Dense layers to a Gaussian that a flow moves; one image size.",
        )
    }


@hookimpl
def vaezoo_priors() -> dict[str, PartDeclaration]:
    """Returns the prior that learns its shape."""
    return {
        "flow": PartDeclaration(
            "vaezoo_flows.prior:FlowPrior",
            "vaezoo_flows.facts:prior",
            "A masked autoregressive or neural spline flow, one for all cells.",
        )
    }


@hookimpl
def vaezoo_conformance_cases() -> list[ConformanceCase]:
    """Returns what the contract kit is to test: each model, and a grid of cells under the prior."""
    on_a_grid = ConformanceCase("conv-beta", {"prior": {"name": "flow", "flow": "maf"}, "loss": "elbo"})
    return [*map(ConformanceCase, ("iaf-vae", "spline-flow-vae", "linear-flow-vae", "flow-prior-vae")), on_a_grid]
