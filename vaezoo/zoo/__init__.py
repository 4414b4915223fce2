"""What is in the zoo and how it is made: plugins, registry, specifications, weights. Imports no torch by itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .create import create, create_objective
from .hookspecs import ConformanceCase, PartDeclaration, hookimpl
from .info import list_models, model_info
from .keeper import Keeper, Plugin, keeper, plugins
from .register import (
    register_conditioner,
    register_decoder,
    register_encoder,
    register_loss,
    register_model,
    register_prior,
)
from .settings import settings

if TYPE_CHECKING:
    from .explanation import explain
    from .fitting import fit_prior
    from .saving import load, save

__all__ = [
    "ConformanceCase",
    "Keeper",
    "PartDeclaration",
    "Plugin",
    "create",
    "create_objective",
    "explain",
    "fit_prior",
    "hookimpl",
    "keeper",
    "list_models",
    "load",
    "model_info",
    "plugins",
    "register_conditioner",
    "register_decoder",
    "register_encoder",
    "register_loss",
    "register_model",
    "register_prior",
    "save",
    "settings",
]

_LATER = {"explain": "explanation", "fit_prior": "fitting", "load": "saving", "save": "saving"}
"""Modules that listing models does not load."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"vaezoo.zoo.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
