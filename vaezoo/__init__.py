"""A model zoo of variational autoencoders for image enhancement.

The front door: everything here is loaded when first used, so importing vaezoo imports neither torch nor a plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .evaluate.measure import evaluate as evaluate
    from .restore import enhance as enhance
    from .zoo import ConformanceCase as ConformanceCase
    from .zoo import PartDeclaration as PartDeclaration
    from .zoo import create as create
    from .zoo import create_objective as create_objective
    from .zoo import explain as explain
    from .zoo import fit_prior as fit_prior
    from .zoo import hookimpl as hookimpl
    from .zoo import list_models as list_models
    from .zoo import load as load
    from .zoo import model_info as model_info
    from .zoo import plugins as plugins
    from .zoo import register_conditioner as register_conditioner
    from .zoo import register_decoder as register_decoder
    from .zoo import register_encoder as register_encoder
    from .zoo import register_loss as register_loss
    from .zoo import register_model as register_model
    from .zoo import register_prior as register_prior
    from .zoo import save as save
    from .zoo import settings as settings

__version__ = "0.1.0"

_ZOO = (
    "ConformanceCase",
    "PartDeclaration",
    "create",
    "create_objective",
    "explain",
    "fit_prior",
    "hookimpl",
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
)
_MODULES = ("core", "figures", "image", "restore")
__all__ = sorted([*_ZOO, "enhance", "evaluate"])


def __getattr__(name: str) -> Any:
    if name in _ZOO:
        return getattr(import_module("vaezoo.zoo"), name)
    if name == "evaluate" or name in _MODULES:
        return import_module(f"vaezoo.{name}")
    if name == "enhance":
        return import_module("vaezoo.restore").enhance
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *_MODULES, "__version__"]
