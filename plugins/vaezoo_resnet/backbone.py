"""timm, imported when a backbone is built, also beside a CPU build of torch."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from vaezoo.errors import BackendUnavailable

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []
"""The declared operators; they vanish with this list."""


def import_timm() -> Any:
    """Returns timm.

    timm imports torchvision, whose compiled part is not loaded by a CPU build of torch: the import then fails
    on two operators that nothing here calls. Declaring their schemas lets it pass.

    Raises:
        BackendUnavailable: timm cannot be imported for any other reason.
    """
    try:
        return import_module("timm")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise BackendUnavailable(
                f"timm cannot be imported: {error}", hint="Reinstall timm and torchvision.", value="timm"
            ) from error
    except ImportError as error:
        raise BackendUnavailable(
            f"timm cannot be imported: {error}", hint="Run pip install timm torchvision.", value="timm"
        ) from error
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(name + _SCHEMA)
    _declared.append(library)
    for name in [n for n in sys.modules if n.partition(".")[0] in ("torchvision", "timm")]:
        del sys.modules[name]
    try:
        return import_module("timm")
    except Exception as error:
        raise BackendUnavailable(
            f"timm cannot be imported: {error}",
            hint="Install the torchvision that belongs to your torch.",
            value="timm",
        ) from error
