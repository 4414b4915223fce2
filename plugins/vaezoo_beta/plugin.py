"""Hooks of this plugin. Imports no torch."""

from __future__ import annotations

from vaezoo import PartDeclaration, hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_losses() -> dict[str, PartDeclaration]:
    """Returns this plugin's losses."""
    return {
        "beta": PartDeclaration(
            "vaezoo_beta.losses:BetaLoss",
            config="vaezoo_beta.facts:BetaLossConfig",
            summary="Higgins' β, plain or normalised by the sizes of image and latent.",
        ),
        "capacity": PartDeclaration(
            "vaezoo_beta.losses:CapacityLoss",
            config="vaezoo_beta.facts:CapacityLossConfig",
            summary="Burgess' controlled capacity.",
        ),
        "cyclical": PartDeclaration(
            "vaezoo_beta.schedules:CyclicalLoss",
            config="vaezoo_beta.facts:CyclicalLossConfig",
            summary="A β that rises anew in each cycle.",
        ),
        "linear": PartDeclaration(
            "vaezoo_beta.schedules:LinearLoss",
            config="vaezoo_beta.facts:LinearLossConfig",
            summary="A β that goes from one value to another.",
        ),
    }
