"""The device that a model runs on."""

from __future__ import annotations

import torch

from vaezoo.errors import ConfigError


def find_device(name: str | torch.device, *, runs: bool = False) -> torch.device:
    """Returns a device after a check that it can be used.

    Args:
        name: Name of the device, such as ``"cpu"`` or ``"cuda:0"``.
        runs: Whether it must hold values, which ``meta`` does not.

    Raises:
        ConfigError: The device does not exist here, or holds no values though it must.
    """
    try:
        device = torch.device(name)
        empty = torch.empty(0, device=device)
        if runs:
            empty.tolist()
    except Exception as error:  # each backend raises its own kind
        raise ConfigError(
            f"Device {str(name)!r} cannot be used: {str(error).splitlines()[0].partition('. ')[0].rstrip('.')}.",
            hint="'cpu' always works.",
            value=str(name),
        ) from error
    return device
