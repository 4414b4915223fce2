"""The two changes of unit between vaezoo and diffusers, each here and nowhere else.

Pixels: vaezoo's are in [0, 1], those of diffusers in [−1, 1]. Latents: vaezoo's are in the unit that the diffusion
model was trained on, z = (raw − shift) · scaling, of about unit variance; the networks give and take raw ones.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor


def to_signed(image: Tensor) -> Tensor:
    """Returns pixels of [0, 1] in [−1, 1]."""
    return 2 * image - 1


def from_signed(image: Tensor) -> Tensor:
    """Returns pixels of [−1, 1] in [0, 1]."""
    return (image + 1) / 2


class LatentUnit(NamedTuple):
    """The unit of the diffusion model.

    Attributes:
        scaling: ``scaling_factor`` of diffusers.
        shift: ``shift_factor`` of diffusers.
    """

    scaling: float
    shift: float

    def from_raw(self, raw: Tensor) -> Tensor:
        """Returns latents of the network in this unit."""
        return (raw - self.shift) * self.scaling

    def logvar_from_raw(self, logvar: Tensor) -> Tensor:
        """Returns the log variance of latents of the network in this unit."""
        return logvar + 2 * math.log(self.scaling)

    def to_raw(self, z: Tensor) -> Tensor:
        """Returns latents of this unit as the network takes them."""
        return z / self.scaling + self.shift
