"""Makes models by name.

A name and overrides become a checked specification (`specs`). From it the model is built (`create`), and its weights
are found, checked by hash and loaded (`weights`). A lock file pins all of it (`lock`). Other modules list and describe
models (`info`). The package imports no torch until a model is made.
"""

from __future__ import annotations

from functools import partial

from vaezoo.moved import former
from vaezoo.zoo.create import create, create_objective
from vaezoo.zoo.info import list_models, model_info

__all__ = ["create", "create_objective", "list_models", "model_info"]

__getattr__ = partial(former, __name__)
