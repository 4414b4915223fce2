"""Hooks of this plugin. Imports neither torch nor diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo import ConformanceCase, PartDeclaration, hookimpl

from .names import adapt
from .table import SMALL, TABLE, declaration

if TYPE_CHECKING:
    from torch import Tensor

VAEZOO_API = 1


@hookimpl
def vaezoo_registry_files() -> list[Path]:
    """Returns the registry file with the cards of published weights."""
    return [Path(__file__).with_name("registry.yaml")]


@hookimpl
def vaezoo_encoders() -> dict[str, PartDeclaration]:
    """Returns both encoders."""
    return {
        "autoencoder-kl": PartDeclaration(
            "vaezoo_diffusers.kl:KLEncoder",
            "vaezoo_diffusers.facts:kl_encoder",
            "AutoencoderKL's encoder: residual convolutions and attention to a Gaussian.",
        ),
        "autoencoder-tiny": PartDeclaration(
            "vaezoo_diffusers.tiny:TinyEncoder",
            "vaezoo_diffusers.facts:tiny_encoder",
            "AutoencoderTiny's encoder: a few convolutions to a point.",
        ),
    }


@hookimpl
def vaezoo_decoders() -> dict[str, PartDeclaration]:
    """Returns both decoders."""
    return {
        "autoencoder-kl": PartDeclaration(
            "vaezoo_diffusers.kl:KLDecoder",
            "vaezoo_diffusers.facts:kl_decoder",
            "AutoencoderKL's decoder: attention and residual convolutions.",
        ),
        "autoencoder-tiny": PartDeclaration(
            "vaezoo_diffusers.tiny:TinyDecoder",
            "vaezoo_diffusers.facts:tiny_decoder",
            "AutoencoderTiny's decoder: a few convolutions.",
        ),
    }


@hookimpl
def vaezoo_models() -> dict[str, Mapping[str, Any]]:
    """Returns the models of the table."""
    return {name: declaration(row) for name, row in TABLE.items()}


@hookimpl
def vaezoo_adapt_state_dict(model: str, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
    """Renames the tensors of a file that diffusers saved to the names here."""
    return adapt(tensors)


@hookimpl
def vaezoo_conformance_cases() -> list[ConformanceCase]:
    """Returns each model with settings that make it small."""
    return [ConformanceCase(name, SMALL[row.family]) for name, row in TABLE.items()]
