"""Models by name: specifications, building, weights, locks. Imports no torch by itself."""

from __future__ import annotations

from typing import Any

from vaezoo.moved import former
from vaezoo.zoo.create import create, create_objective
from vaezoo.zoo.info import list_models, model_info

__all__ = ["create", "create_objective", "list_models", "model_info"]


def __getattr__(name: str) -> Any:
    return former(__name__, name)
