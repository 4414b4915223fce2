"""The two changes of unit between vaezoo and diffusers.

Pixels of vaezoo are in [0, 1], those of diffusers in [−1, 1]. Latents of vaezoo have the unit that the diffusion model
was trained on, z = (raw − shift) · scaling, with a variance of about 1. The networks take and return raw latents.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor


def to_signed(image: Tensor) -> Tensor:
    """Converts pixels from [0, 1] to [−1, 1]."""
    return 2 * image - 1


def from_signed(image: Tensor) -> Tensor:
    """Converts pixels from [−1, 1] to [0, 1]."""
    return (image + 1) / 2


class LatentUnit(NamedTuple):
    """The unit of latents in the diffusion model.

    Attributes:
        scaling: ``scaling_factor`` of diffusers.
        shift: ``shift_factor`` of diffusers.
    """

    scaling: float
    shift: float

    def from_raw(self, raw: Tensor) -> Tensor:
        """Converts raw latents to this unit."""
        return (raw - self.shift) * self.scaling

    def logvar_from_raw(self, logvar: Tensor) -> Tensor:
        """Converts the log-variance of raw latents to this unit."""
        return logvar + 2 * math.log(self.scaling)

    def to_raw(self, z: Tensor) -> Tensor:
        """Converts latents of this unit to raw ones."""
        return z / self.scaling + self.shift
