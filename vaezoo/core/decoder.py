"""The decoder slot, and the last layer that all decoders share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import final

import torch
from torch import Tensor, nn

from ..errors import ConfigError, suggest
from .context import Context
from .likelihood import Bernoulli, Gaussian, Laplace, Likelihood, OptimalGaussian
from .posterior import bound_logvar

LOGVAR_PIXEL = (-16.0, -2.0)
"""Soft bounds of log σ² per pixel: σ from 0.1/255 to 0.37, wide enough for noise of 75/255."""


class Decoder(ABC, nn.Module):
    """A network from a state to a likelihood; the last step, everything before it is the prior's.

    Attributes:
        channels: Image channels C.
        stride: Pixels per cell of the state.
        size: The one (H, W) it gives, or None for any.
    """

    channels: int
    stride: int = 1
    size: tuple[int, int] | None = None

    @abstractmethod
    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """Returns p(x|z) for state (K·B, ...); the context has K·B rows too."""


@final
class LikelihoodHead(nn.Module):
    """Makes a likelihood of a decoder's last features.

    Args:
        kind: ``bernoulli``, ``gaussian`` or ``laplace``.
        channels: Image channels C.
        scale: Standard deviation of a Gaussian or Laplace pixel: a number (fixed), ``learned`` (one number
            for all pixels), ``pixel`` (the network gives each pixel's) or ``optimal`` (Gaussian only).

    Attributes:
        outputs: Channels that the network must give: C, or 2·C where it gives the scale too.

    Raises:
        ConfigError: kind or scale is none of these.
    """

    def __init__(self, kind: str, channels: int, scale: float | str = "learned") -> None:
        super().__init__()
        kinds, scales = ("bernoulli", "gaussian", "laplace"), ("learned", "pixel", "optimal")
        if kind not in kinds:
            raise ConfigError(f"Expected a likelihood, got {kind!r}.", hint=suggest(kind, kinds), value=kind)
        if isinstance(scale, str) and (scale not in scales or (scale == "optimal" and kind != "gaussian")):
            raise ConfigError(
                f"Expected a scale for a {kind} likelihood, a number or a word, got {scale!r}.",
                hint=suggest(scale, scales if kind == "gaussian" else scales[:2]),
                value=scale,
            )
        if not isinstance(scale, str) and not scale > 0:
            raise ConfigError(f"Expected a positive scale, got {scale}.", value=scale)
        self.kind, self.width = kind, scale
        self.outputs = channels * (2 if self.width == "pixel" and kind != "bernoulli" else 1)
        self.log_scale: nn.Parameter | None = None
        if kind != "bernoulli" and scale == "learned":
            self.log_scale = nn.Parameter(torch.tensor(math.log(0.1)))

    def forward(self, features: Tensor, base: Tensor | None = None) -> Likelihood:
        """Returns the likelihood.

        Args:
            features: (K·B, outputs, H, W).
            base: Image that the mean is a correction of, (K·B, C, H, W); Gaussian and Laplace only.
        """
        if self.kind == "bernoulli":
            return Bernoulli(features)
        log_scale: Tensor
        if self.width == "pixel":
            features, raw = features.chunk(2, dim=1)
            log_scale = 0.5 * bound_logvar(raw.float(), *LOGVAR_PIXEL)
        elif self.log_scale is not None:
            log_scale = self.log_scale.clamp_min(math.log(1 / 512))
        elif not isinstance(self.width, str):
            log_scale = features.new_tensor(math.log(self.width))
        image = features if base is None else base + features
        if self.width == "optimal":
            return OptimalGaussian(image)
        if self.kind == "laplace":
            return Laplace(image, log_scale - 0.5 * math.log(2))
        return Gaussian(image, 2 * log_scale)
