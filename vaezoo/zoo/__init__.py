"""What is in the zoo and how it is made: plugins, registry, specifications, weights. Imports no torch by itself."""

from __future__ import annotations

from .create import create, create_objective
from .explanation import explain
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

__all__ = [
    "ConformanceCase",
    "Keeper",
    "PartDeclaration",
    "Plugin",
    "create",
    "create_objective",
    "explain",
    "hookimpl",
    "keeper",
    "list_models",
    "model_info",
    "plugins",
    "register_conditioner",
    "register_decoder",
    "register_encoder",
    "register_loss",
    "register_model",
    "register_prior",
    "settings",
]
