"""Finite scalar quantisation: every channel is rounded to a few levels, and no codebook is trained."""

from __future__ import annotations

import math
from itertools import accumulate
from operator import mul
from typing import final

import torch
from torch import Tensor

from vaezoo.core.facts import accepts_keywords

from .facts import FSQPriorConfig, ResidualFSQPriorConfig
from .prior import CodebookPrior, Quantised, straight_through

MARGIN = 1e-3
"""Distance of the bound from the outermost levels, as a share of their half width, so that rounding can reach them."""


@final
class FSQPrior(CodebookPrior):
    """Each channel is rounded to L_i equally spaced levels in [-1, 1]. The rate is Σ log L_i nats per cell.

    f(z) = round(½(L−1)·tanh(z + s) − o), divided by ⌊L/2⌋. o is ½ for an even L, whose levels are not symmetric, and s
    is such that f(0) = 0.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Finite Scalar Quantization: VQ-VAE Made Simple (Mentzer et al., 2023), section 3 and appendix A.1,
    arXiv:2309.15505.
    """

    steps: Tensor
    places: Tensor

    @accepts_keywords(FSQPriorConfig)
    def __init__(self, config: FSQPriorConfig) -> None:
        super().__init__()
        self.gain = config.gain
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.sizes = (math.prod(config.levels),)
        self.levels = tuple(config.levels)
        self.register_buffer("device_of", torch.zeros(()), persistent=False)
        self.register_buffer("steps", torch.tensor(self.levels), persistent=False)
        self.register_buffer("places", torch.tensor([1, *accumulate(self.levels[:-1], mul)]), persistent=False)

    def quantise(self, vectors: Tensor) -> Quantised:
        """See :meth:`CodebookPrior.quantise`."""
        half = (self.steps - 1) * (1 + MARGIN) / 2
        offset = torch.where(self.steps % 2 == 0, 0.5, 0.0)
        bounded = torch.tanh(self.gain * vectors + torch.atanh(offset / half)) * half - offset
        rounded = straight_through(bounded, bounded.round())
        digits = rounded.detach().nan_to_num().round().long() + self.steps // 2
        return Quantised(((digits * self.places).sum(1),), rounded / (self.steps // 2))

    def look_up(self, codes: tuple[Tensor, ...]) -> Tensor:
        """See :meth:`CodebookPrior.look_up`."""
        digits = codes[0][:, None] // self.places % self.steps
        return (digits - self.steps // 2) / (self.steps // 2)

    def centre(self) -> tuple[int, ...]:
        """Returns the code of the zero vector."""
        return (int((self.steps // 2 * self.places).sum()),)


@final
class ResidualFSQPrior(CodebookPrior):
    """Residual rounding: each step rounds the rest of the last. The rate is depth · Σ log L_i nats per cell.

    tanh(gain · z) is rounded to L_i equally spaced values from -1 to 1. The rest, at most half a spacing, is multiplied
    by L_i - 1, so that it fills [-1, 1] again, and rounded likewise. The error of a channel is at most (L_i -
    1)^-depth.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Finite Scalar Quantization: VQ-VAE Made Simple (Mentzer et al., 2023), arXiv:2309.15505, one after another
    as in Autoregressive Image Generation using Residual Quantization (Lee et al., 2022), arXiv:2203.01941.
    """

    gaps: Tensor
    places: Tensor

    @accepts_keywords(ResidualFSQPriorConfig)
    def __init__(self, config: ResidualFSQPriorConfig) -> None:
        super().__init__()
        self.gain = config.gain
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.sizes = (math.prod(config.levels),) * config.depth
        self.register_buffer("device_of", torch.zeros(()), persistent=False)
        self.register_buffer("gaps", torch.tensor([level - 1 for level in config.levels]), persistent=False)
        self.register_buffer("places", torch.tensor([1, *accumulate(config.levels[:-1], mul)]), persistent=False)

    def quantise(self, vectors: Tensor) -> Quantised:
        """See :meth:`CodebookPrior.quantise`."""
        bounded = torch.tanh(self.gain * vectors)
        left, codes = bounded.detach().nan_to_num(), []
        for _ in self.sizes:
            digits = ((left + 1) / 2 * self.gaps).round().clamp(min=0).minimum(self.gaps)
            codes.append((digits.long() * self.places).sum(1))
            left = (left - self._value(digits)) * self.gaps
        return Quantised(tuple(codes), straight_through(bounded, self.look_up(tuple(codes))))

    def look_up(self, codes: tuple[Tensor, ...]) -> Tensor:
        """See :meth:`CodebookPrior.look_up`."""
        digits = [code[:, None] // self.places % (self.gaps + 1) for code in codes]
        return torch.stack([self._value(each) / self.gaps**i for i, each in enumerate(digits)]).sum(0)

    def centre(self) -> tuple[int, ...]:
        """Returns the codes of the zero vector."""
        zero = torch.zeros(1, self.latent_channels, device=self.gaps.device)
        return tuple(int(code) for code in self.quantise(zero).codes)

    def _value(self, digits: Tensor) -> Tensor:
        return 2 * digits / self.gaps - 1
