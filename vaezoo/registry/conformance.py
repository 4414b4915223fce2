"""A case for the contract kit: a model of a plugin, with overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class ConformanceCase(NamedTuple):
    """A model for the contract kit to test, with overrides.

    Attributes:
        model: Name of the model.
        params: Overrides, as keyword arguments of :func:`vaezoo.create`. Small ones make the tests quick.
        cond: Function from a number of images to the model's conditions, as ``"package.module:function"``. None for a
            model without conditions.
    """

    model: str
    params: Mapping[str, Any] = {}
    cond: str | None = None
