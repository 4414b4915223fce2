"""A model zoo of variational autoencoders for image enhancement.

The front door: everything here is loaded when first used, so importing vaezoo imports neither torch nor a plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import lazy_loader

from vaezoo import lookup, moved

__version__ = "0.1.0"

moved.follow()
_lazy, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def _find_belief(name: str) -> Any:
    from vaezoo.host.beliefs import find_belief

    return find_belief(name)


def _find_likelihood(name: str) -> Any:
    from vaezoo.host.beliefs import find_likelihood

    return find_likelihood(name)


lookup.FINDERS.update(belief=_find_belief, likelihood=_find_likelihood)


def __getattr__(name: str) -> Any:
    if name == "evaluate":  # the package itself, which can be called
        return import_module("vaezoo.evaluate")
    return _lazy(name)
