"""The memory layout of images while a model works on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def work_channels_last(conditioner: nn.Module) -> None:
    """Makes a conditioner, and all that follows it, work with channels last on a CPU, outside training.

    Convolutions pass on the layout of their input, so it is enough to convert the image. The weights stay as they are,
    since many writers of tensors, such as safetensors, refuse weights with another layout. Restoring 512×512 pixels on
    one thread takes 0.75 of the time (``python -m benchmarks.studies.layout``).
    """
    conditioner.register_forward_pre_hook(_channels_last)


def _channels_last(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    y = args[0]
    if module.training or y.device.type != "cpu":
        return None
    return (y.contiguous(memory_format=torch.channels_last), *args[1:])
