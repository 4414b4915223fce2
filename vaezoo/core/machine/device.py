"""The device that a model runs on."""

from __future__ import annotations

import torch

from vaezoo.errors import ConfigError


def find_device(name: str | torch.device) -> torch.device:
    """Returns a device after a check that it can be used.

    Args:
        name: Name of the device, such as ``"cpu"`` or ``"cuda:0"``.

    Raises:
        ConfigError: The device does not exist here.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except Exception as error:  # each backend raises its own kind
        raise ConfigError(
            f"Device {str(name)!r} cannot be used: {str(error).splitlines()[0].partition('. ')[0].rstrip('.')}.",
            hint="'cpu' always works.",
            value=str(name),
        ) from error
    return device
