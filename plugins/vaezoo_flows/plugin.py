"""Hooks of this plugin. Imports no torch."""

from __future__ import annotations

from vaezoo import PartDeclaration, hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_encoders() -> dict[str, PartDeclaration]:
    """Returns the encoder to a Gaussian transformed by a flow."""
    return {
        "flow-mlp": PartDeclaration(
            "vaezoo_flows.encoder:FlowDenseEncoder",
            config="vaezoo_flows.facts:FlowDenseEncoderConfig",
            summary="Dense layers to a Gaussian that a flow moves; one image size.",
        )
    }


@hookimpl
def vaezoo_priors() -> dict[str, PartDeclaration]:
    """Returns the prior with a learned shape."""
    return {
        "flow": PartDeclaration(
            "vaezoo_flows.prior:FlowPrior",
            config="vaezoo_flows.facts:FlowPriorConfig",
            summary="A masked autoregressive or neural spline flow, one for all cells.",
        )
    }
