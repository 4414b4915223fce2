"""Imports diffusers when a part is built, also beside a CPU build of torch."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from vaezoo.errors import BackendUnavailable

_BLOCKS = "diffusers.models.autoencoders.vae"
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []
"""The declared operators. They are undone when this list is deleted."""


def import_blocks() -> Any:
    """Imports the module of diffusers with the encoders and decoders of its autoencoders.

    diffusers imports torchvision where it is installed, even for models that do not use it.

    Raises:
        BackendUnavailable: diffusers cannot be imported.
    """
    try:
        _mend_torchvision()
        return import_module(_BLOCKS)
    except Exception as error:
        raise BackendUnavailable(
            f"diffusers cannot be imported: {error}.", hint="Run pip install vaezoo-diffusers.", value=_BLOCKS
        ) from error


def _mend_torchvision() -> None:
    """Makes torchvision importable beside a CPU build of torch.

    Its compiled part is not loaded there, and the import fails on two operators that nothing here calls. Declaring
    their schemas makes it succeed. If torchvision is missing, intact, or broken in another way, nothing is done.
    """
    if "torchvision" in sys.modules or find_spec("torchvision") is None:
        return
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    else:
        return
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(name + _SCHEMA)
    _declared.append(library)
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
