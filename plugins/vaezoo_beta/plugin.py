"""What this plugin tells the zoo. Imports no torch."""

from __future__ import annotations

from vaezoo import PartDeclaration, hookimpl

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
        "cyclical": PartDeclaration(
            "vaezoo_beta.schedules:CyclicalLoss", "vaezoo_beta.facts:cyclical", "A β that rises anew in each cycle."
        ),
        "linear": PartDeclaration(
            "vaezoo_beta.schedules:LinearLoss", "vaezoo_beta.facts:linear", "A β that goes from one value to another."
        ),
    }
