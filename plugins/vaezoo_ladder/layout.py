"""How pictures lie in memory while a model works on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def work_channels_last(conditioner: nn.Module) -> None:
    """Lets a conditioner, and all that comes after it, work with channels last, on a CPU and outside training.

    Convolutions hand their input's layout on, so moving the picture is enough. The weights stay as they are: half of
    what writes tensors, safetensors among it, refuses weights that lie otherwise. Restoring 512×512 pixels on one
    thread takes 0.75 of the time (``python -m benchmarks.studies.layout``).
    """
    conditioner.register_forward_pre_hook(_channels_last)


def _channels_last(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    y = args[0]
    if module.training or y.device.type != "cpu":
        return None
    return (y.contiguous(memory_format=torch.channels_last), *args[1:])
