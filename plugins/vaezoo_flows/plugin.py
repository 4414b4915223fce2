"""What this plugin tells the zoo. Imports no torch."""

from __future__ import annotations

from vaezoo import PartDeclaration, hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_encoders() -> dict[str, PartDeclaration]:
    """Returns the encoder whose belief is a Gaussian that a flow moves."""
    return {
        "flow-mlp": PartDeclaration(
            "vaezoo_flows.encoder:FlowDenseEncoder",
            config="vaezoo_flows.facts:FlowDenseEncoderConfig",
            summary="Dense layers to a Gaussian that a flow moves; one image size.",
        )
    }


@hookimpl
def vaezoo_priors() -> dict[str, PartDeclaration]:
    """Returns the prior that learns its shape."""
    return {
        "flow": PartDeclaration(
            "vaezoo_flows.prior:FlowPrior",
            config="vaezoo_flows.facts:FlowPriorConfig",
            summary="A masked autoregressive or neural spline flow, one for all cells.",
        )
    }
