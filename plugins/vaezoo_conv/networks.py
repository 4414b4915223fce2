"""Convolutional networks, mirror images of each other.

    image ─ [conv ↓2]×n ─ gather ↓g ─► mean, logvar        z ─ spread ↑g ─ [conv ↑2]×n ─► likelihood

With three stages and a gather of 4, a picture of up to 32×32 has one latent vector and a larger one a grid of
them, so the weights' shapes depend on the configuration alone.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """Returns features (N, c, h, w) with the context's vector added, where the part reads one."""
    return features if tell is None or context.vector is None else features + tell(context.vector)[:, :, None, None]


@final
class ConvEncoder(Encoder):
    """Strided convolutions to the mean and log-variance of a Gaussian, or to a point.

    Args:
        latent_channels: D, per cell.
        image_channels: C.
        widths: Channels of the stages, each of which halves the resolution.
        gather: Side of the last, non-overlapping convolution: the cell's size in pixels is this times 2^stages.
        context_vector: Dimensions of the context's vector; 0 for none.
        belief: ``gaussian``, ``dirac`` for a point and nothing else, or another of :mod:`vaezoo.core.beliefs`.
        modulate: ``film`` or ``adain``: the vector changes what each stage gives instead of being added once.

    Raises:
        ConfigError: There is no such belief.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        widths: Sequence[int] = (32, 64, 128),
        gather: int = 4,
        context_vector: int = 0,
        belief: str = "gaussian",
        modulate: str = "none",
    ) -> None:
        super().__init__()
        self.belief = belief
        self.channels, self.stride = image_channels, 2 ** len(widths) * gather
        self.stages = nn.Sequential(*(Stage(a, b, 2) for a, b in pairwise([image_channels, *widths])))
        self.tell = nn.Linear(context_vector, widths[-1]) if context_vector and modulate == "none" else None
        self.modulations = modulations(modulate, context_vector, widths)
        self.believe = nn.Conv2d(widths[-1], belief_channels(belief, latent_channels), gather, gather)

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
        latent_channels: D, per cell.
        image_channels: C.
        widths: Channels of the stages, as the encoder's; walked backwards.
        gather: As the encoder's.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: Likewise.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: As the encoder's.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        widths: Sequence[int] = (32, 64, 128),
        gather: int = 4,
        likelihood: str = "bernoulli",
        scale: float | str = "learned",
        context_vector: int = 0,
        modulate: str = "none",
    ) -> None:
        super().__init__()
        self.channels, self.stride = image_channels, 2 ** len(widths) * gather
        self.head = LikelihoodHead(likelihood, image_channels, scale)
        self.spread = nn.ConvTranspose2d(latent_channels, widths[-1], gather, gather)
        self.tell = nn.Linear(context_vector, widths[-1]) if context_vector and modulate == "none" else None
        outputs = [*reversed(widths), widths[0]]
        self.stages = nn.ModuleList(Stage(a, b) for a, b in pairwise(outputs))
        self.modulations = modulations(modulate, context_vector, outputs[1:])
        self.project = nn.Conv2d(widths[0], self.head.outputs, 3, padding=1)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`; a vector is taken as a grid of one cell."""
        state = state[:, :, None, None] if state.dim() == 2 else state
        features = told(self.spread(state), self.tell, context)
        for block, stage in enumerate(self.stages):
            features = modulated(self.modulations, block, stage(features), context.vector)
            features = F.interpolate(features, scale_factor=2.0, mode="nearest")
        likelihood: Likelihood = self.head(self.project(F.silu(features)))
        return likelihood
