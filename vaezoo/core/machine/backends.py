"""Imports timm when a part needs it, also beside a CPU build of torch, and makes its networks without weights.

Importing this module imports neither torch nor timm.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vaezoo.errors import BackendUnavailable, ConfigError, UnknownName, suggest

if TYPE_CHECKING:
    from torch import nn

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []
"""The declared operators. They are undone when this list is deleted."""


def import_timm() -> Any:
    """Imports timm.

    timm imports torchvision, whose compiled part a CPU build of torch does not load. The import then fails on two
    operators that nothing here calls. Declaring their schemas makes it succeed.

    Raises:
        BackendUnavailable: timm cannot be imported for any other reason.
    """
    try:
        return import_module("timm")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise BackendUnavailable(
                f"timm cannot be imported: {error}.", hint="Reinstall timm and torchvision.", value="timm"
            ) from error
    except ImportError as error:
        raise BackendUnavailable(
            f"timm cannot be imported: {error}.", hint="Run pip install timm torchvision.", value="timm"
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
            f"timm cannot be imported: {error}.",
            hint="Install the torchvision that belongs to your torch.",
            value="timm",
        ) from error


def timm_network(backbone: str, **arguments: Any) -> nn.Module:
    """Makes a network of timm with random weights. It reads no file and opens no connection.

    Args:
        backbone: Name of the network in timm.
        arguments: Arguments for ``timm.create_model``. Lists, as configurations have them, become tuples.

    Raises:
        BackendUnavailable: timm cannot be imported.
        UnknownName: timm has no such network.
        ConfigError: The network does not accept an argument.
    """
    timm = import_timm()
    if not timm.is_model(backbone):
        raise UnknownName(
            f"Expected a timm backbone, got {backbone!r}.", hint=suggest(backbone, timm.list_models()), value=backbone
        )
    arguments = {k: tuple(v) if isinstance(v, (list, tuple)) else v for k, v in arguments.items()}
    try:
        network: nn.Module = timm.create_model(backbone, **{**arguments, "pretrained": False})
    except (TypeError, RuntimeError, AttributeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"timm's {backbone!r} cannot be an encoder with options {arguments}: {str(error) or type(error).__name__}",
            value=backbone,
        ) from error
    return network
