"""A timm backbone to a posterior, and residual blocks to a likelihood.

How it differs from a classifier's network: pooling and head are removed, the deepest feature map becomes mean and
log-variance per cell, and the decoder has the same strides in reverse, with residual blocks without normalisation.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, final

import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import (
    Context,
    Decoder,
    DiagonalGaussian,
    Encoder,
    Likelihood,
    LikelihoodHead,
    bound_logvar,
    modulated,
    modulations,
    timm_network,
)
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import ConfigError

from .facts import BackboneEncoderConfig, ResidualUpDecoderConfig


@final
class BackboneEncoder(Encoder):
    """The features of any timm backbone, at one stride, to a Gaussian.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(BackboneEncoderConfig)
    def __init__(self, config: BackboneEncoderConfig) -> None:
        super().__init__()
        arguments = {**(config.options or {}), "features_only": True, "in_chans": config.image_channels}
        features: Any = timm_network(config.backbone, **arguments)
        reductions = list(features.feature_info.reduction())
        if config.latent_stride not in reductions:
            raise ConfigError(
                f"timm's {config.backbone!r} has features at strides {reductions}, not at {config.latent_stride}.",
                value=config.latent_stride,
            )
        index = reductions.index(config.latent_stride)
        self.channels, self.stride, self.index = config.image_channels, config.latent_stride, index
        self.features = timm_network(config.backbone, **{**arguments, "out_indices": (index,)})
        width = features.feature_info.channels()[index]
        self.tell = (
            nn.Linear(config.context_vector, width) if config.context_vector and config.modulate == "none" else None
        )
        self.modulations = modulations(config.modulate, config.context_vector, [width])
        self.believe = nn.Conv2d(width, 2 * config.latent_channels, 1)

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        feature = modulated(self.modulations, 0, self.features(image)[0], context.vector)
        if self.tell is not None and context.vector is not None:
            feature = feature + self.tell(context.vector)[:, :, None, None]
        mean, logvar = self.believe(feature).chunk(2, 1)
        return DiagonalGaussian(mean, bound_logvar(logvar))


@final
class ResidualUp(nn.Module):
    """Doubles the resolution: a residual block before, and a convolution to the next width after."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.widen = nn.Conv2d(width, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, outputs, 2h, 2w)."""
        x = x + self.second(F.silu(self.first(F.silu(x))))
        return self.widen(F.interpolate(F.silu(x), scale_factor=2.0, mode="nearest"))


@final
class ResidualUpDecoder(Decoder):
    """Residual blocks from a cell to its pixels.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(ResidualUpDecoderConfig)
    def __init__(self, config: ResidualUpDecoderConfig) -> None:
        super().__init__()
        self.channels, self.stride = config.image_channels, 2 ** len(config.widths)
        self.head = LikelihoodHead(config.likelihood, config.image_channels, config.scale)
        self.enter = nn.Conv2d(config.latent_channels, config.widths[-1], 1)
        self.tell = (
            nn.Linear(config.context_vector, config.widths[-1])
            if config.context_vector and config.modulate == "none"
            else None
        )
        outputs = [*reversed(config.widths), config.widths[0]]
        self.stages = nn.Sequential(*(ResidualUp(a, b) for a, b in pairwise(outputs)))
        self.modulations = modulations(config.modulate, config.context_vector, outputs[1:])
        self.project = nn.Conv2d(config.widths[0], self.head.outputs, 3, padding=1)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`. A vector is treated as a grid of one cell."""
        features = self.enter(state[:, :, None, None] if state.dim() == 2 else state)
        if self.tell is not None and context.vector is not None:
            features = features + self.tell(context.vector)[:, :, None, None]
        for block, stage in enumerate(self.stages):
            features = modulated(self.modulations, block, stage(features), context.vector)
        likelihood: Likelihood = self.head(self.project(F.silu(features)))
        return likelihood
