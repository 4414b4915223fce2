"""A learned step size, and a learned inverse temperature that rises to 1 along a walk."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

MOMENTUM = 62
"""Level of the noise of momenta. Samples of the belief have level 0, and a prior may use level 1."""


@final
class Tempering(nn.Module):
    """ε in (0, largest) for each latent, and β₀ in (0, 1], with 1/√β_k = (1 − 1/√β₀)·k²/K² + 1/√β₀.

    Args:
        latent_channels: Number of latent channels D.
        steps: Number K of steps.
        step_size: Initial step size ε.
        largest_step: Upper bound of the step size.
        start: Initial β₀. With 1 there is no tempering, also after training.

    Source: Hamiltonian Variational Auto-Encoder (Caterini et al., 2018), section 3.2, arXiv:1805.11328.
    """

    def __init__(self, latent_channels: int, steps: int, step_size: float, largest_step: float, start: float) -> None:
        super().__init__()
        self.steps, self.largest = steps, largest_step
        share = step_size / largest_step
        self.raw_step = nn.Parameter(torch.full((latent_channels,), math.log(share / (1 - share))))
        self.raw_start = nn.Parameter(torch.tensor(math.log(start / (1 - start)))) if start < 1 else None

    def step(self) -> Tensor:
        """Returns the step size ε, (D,)."""
        return self.largest * torch.sigmoid(self.raw_step.float())

    def cooling(self, number: int) -> Tensor | float:
        """Returns √(β_{k−1}/β_k), the factor of the momentum after step k = ``number``, from 1 to K."""
        return self._root(number) / self._root(number - 1)

    def first(self) -> Tensor | float:
        """Returns 1/√β₀, the factor of the initial momentum."""
        return self._root(0)

    def _root(self, number: int) -> Tensor | float:
        """Returns 1/√β_k."""
        if self.raw_start is None:
            return 1.0
        hot = torch.sigmoid(self.raw_start.float()).rsqrt()
        return (1 - hot) * (number / self.steps) ** 2 + hot
