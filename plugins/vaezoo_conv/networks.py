"""A convolutional encoder and decoder, mirror images of each other.

    image ─ [conv ↓2]×n ─ gather ↓g ─► mean, logvar        z ─ spread ↑g ─ [conv ↑2]×n ─► likelihood

With three stages and a gather of 4, an image of up to 32×32 has one latent vector, and a larger one a grid of them. So
the shapes of the weights depend on the configuration only.
"""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import (
    Context,
    Decoder,
    Encoder,
    Likelihood,
    LikelihoodHead,
    Posterior,
    believe,
    modulated,
    modulations,
)
from vaezoo.core.beliefs import belief_channels
from vaezoo.core.facts import accepts_keywords

from .facts import ConvDecoderConfig, ConvEncoderConfig


@final
class Stage(nn.Module):
    """Two 3×3 convolutions with SiLU, the first with a stride."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, outputs, h/stride, w/stride)."""
        x = F.silu(self.first(x))
        return x + F.silu(self.second(x))


def told(features: Tensor, tell: nn.Linear | None, context: Context) -> Tensor:
    """Returns features (N, c, h, w) with the context's vector added, if the part reads one."""
    return features if tell is None or context.vector is None else features + tell(context.vector)[:, :, None, None]


@final
class ConvEncoder(Encoder):
    """Strided convolutions to the mean and log-variance of a Gaussian, or to a point.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Raises:
        ConfigError: The kind of belief is unknown.
    """

    @accepts_keywords(ConvEncoderConfig)
    def __init__(self, config: ConvEncoderConfig) -> None:
        super().__init__()
        self.belief = config.belief
        self.channels, self.stride = config.image_channels, 2 ** len(config.widths) * config.gather
        self.stages = nn.Sequential(*(Stage(a, b, 2) for a, b in pairwise([config.image_channels, *config.widths])))
        self.tell = (
            nn.Linear(config.context_vector, config.widths[-1])
            if config.context_vector and config.modulate == "none"
            else None
        )
        self.modulations = modulations(config.modulate, config.context_vector, config.widths)
        self.believe = nn.Conv2d(
            config.widths[-1], belief_channels(config.belief, config.latent_channels), config.gather, config.gather
        )

    def forward(self, image: Tensor, context: Context) -> Posterior:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        features = image
        for block, stage in enumerate(self.stages):
            features = modulated(self.modulations, block, stage(features), context.vector)
        return believe(self.believe(told(features, self.tell, context)), self.belief)


@final
class ConvDecoder(Decoder):
    """Upsampling convolutions to a likelihood.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(ConvDecoderConfig)
    def __init__(self, config: ConvDecoderConfig) -> None:
        super().__init__()
        self.channels, self.stride = config.image_channels, 2 ** len(config.widths) * config.gather
        self.head = LikelihoodHead(config.likelihood, config.image_channels, config.scale)
        self.spread = nn.ConvTranspose2d(config.latent_channels, config.widths[-1], config.gather, config.gather)
        self.tell = (
            nn.Linear(config.context_vector, config.widths[-1])
            if config.context_vector and config.modulate == "none"
            else None
        )
        outputs = [*reversed(config.widths), config.widths[0]]
        self.stages = nn.ModuleList(Stage(a, b) for a, b in pairwise(outputs))
        self.modulations = modulations(config.modulate, config.context_vector, outputs[1:])
        self.project = nn.Conv2d(config.widths[0], self.head.outputs, 3, padding=1)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`. A vector is treated as a grid of one cell."""
        state = state[:, :, None, None] if state.dim() == 2 else state
        features = told(self.spread(state), self.tell, context)
        for block, stage in enumerate(self.stages):
            features = modulated(self.modulations, block, stage(features), context.vector)
            features = F.interpolate(features, scale_factor=2.0, mode="nearest")
        likelihood: Likelihood = self.head(self.project(F.silu(features)))
        return likelihood
