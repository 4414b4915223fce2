"""Figures of models: samples, reconstructions, traversals of latents, ways between pictures, and maps of latents.

A function takes a model and tensors and returns a `Sheet` of images, or a `Projection` of points: values that programs
can use, which draw themselves by ``.draw()`` and are written by `write`. Data sets are not opened here. Importing this
package loads neither torch nor matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .output import check_output as check_output
    from .output import write as write
    from .projection import Projection as Projection
    from .projection import latents as latents
    from .reconstructions import reconstruct as reconstruct
    from .samples import sample as sample
    from .sheet import Sheet as Sheet
    from .traversal import traverse as traverse
    from .ways import interpolate as interpolate

_HOME = {
    "Projection": "projection",
    "Sheet": "sheet",
    "check_output": "output",
    "interpolate": "ways",
    "latents": "projection",
    "reconstruct": "reconstructions",
    "sample": "samples",
    "traverse": "traversal",
    "write": "output",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
