"""A model zoo of variational autoencoders (VAEs) for image enhancement.

`vaezoo.create` makes a model by its name, and `vaezoo.enhance` restores an image with it. `vaezoo.load` opens a model
that was saved. `vaezoo.list_models` and `vaezoo.model_info` say which models there are, `vaezoo.evaluate` measures
one, and `vaezoo.create_objective` makes a model and its loss to train. The command ``vaezoo`` does the same.

Everything here is loaded at its first use, so ``import vaezoo`` imports neither torch nor a plugin.
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
    if name == "evaluate":  # a package that can also be called
        return import_module("vaezoo.evaluate")
    return _lazy(name)
