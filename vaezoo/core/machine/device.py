"""Where a model runs."""

from __future__ import annotations

import torch

from vaezoo.errors import ConfigError


def find_device(name: str | torch.device) -> torch.device:
    """Returns a device that can be used.

    Args:
        name: Such as ``"cpu"`` or ``"cuda:0"``.

    Raises:
        ConfigError: There is no such device here.
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
