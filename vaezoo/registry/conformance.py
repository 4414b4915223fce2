"""What the contract kit is to test of a plugin: one of its models, under some overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class ConformanceCase(NamedTuple):
    """A model that the contract kit is to test, under some overrides.

    Attributes:
        model: Its name.
        params: Overrides, as the keywords of :func:`vaezoo.create`; small ones make the test quick.
        cond: ``"package.module:function"`` of a function from a number of images to the model's conditions, or
            None where it reads none.
    """

    model: str
    params: Mapping[str, Any] = {}
    cond: str | None = None
