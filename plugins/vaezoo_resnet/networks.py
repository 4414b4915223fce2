"""A timm backbone to a posterior, and residual blocks up to a likelihood.

How it differs from a classifier's network: pooling and head are gone, the deepest feature map becomes mean and
log-variance per cell, and the decoder walks the same strides back with residual blocks without normalisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from vaezoo.core.facts import check_modulate
from vaezoo.errors import ConfigError

from .facts import ENCODER_KINDS


@final
class BackboneEncoder(Encoder):
    """The features of any timm backbone, at one stride, to a Gaussian.

    Args:
        latent_channels: D, per cell.
        image_channels: C.
        backbone: A timm model that supports ``features_only``.
        options: Further arguments of ``timm.create_model``, such as ``{"channels": [32, 64, 96, 128]}``.
        latent_stride: Pixels per cell; the backbone must have features at it.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: ``film``: the vector scales the features too, instead of being added.

    Raises:
        BackendUnavailable: timm cannot be imported.
        UnknownName: timm has no such backbone.
        ConfigError: The backbone has no features at the stride, or refuses an option.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        backbone: str = "resnet18",
        options: Mapping[str, Any] | None = None,
        latent_stride: int = 32,
        context_vector: int = 0,
        modulate: str = "none",
    ) -> None:
        super().__init__()
        check_modulate(modulate, context_vector, ENCODER_KINDS)
        arguments = {**(options or {}), "features_only": True, "in_chans": image_channels}
        features: Any = timm_network(backbone, **arguments)
        reductions = list(features.feature_info.reduction())
        if latent_stride not in reductions:
            raise ConfigError(
                f"timm's {backbone!r} has features at strides {reductions}, not at {latent_stride}.",
                value=latent_stride,
            )
        index = reductions.index(latent_stride)
        self.channels, self.stride, self.index = image_channels, latent_stride, index
        self.features = timm_network(backbone, **{**arguments, "out_indices": (index,)})
        width = features.feature_info.channels()[index]
        self.tell = nn.Linear(context_vector, width) if context_vector and modulate == "none" else None
        self.modulations = modulations(modulate, context_vector, [width])
        self.believe = nn.Conv2d(width, 2 * latent_channels, 1)

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        feature = modulated(self.modulations, 0, self.features(image)[0], context.vector)
        if self.tell is not None and context.vector is not None:
            feature = feature + self.tell(context.vector)[:, :, None, None]
        mean, logvar = self.believe(feature).chunk(2, 1)
        return DiagonalGaussian(mean, bound_logvar(logvar))


@final
class ResidualUp(nn.Module):
    """Twice the resolution: a residual block before, a convolution to the next width after."""

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
    """Residual blocks from a cell up to its pixels.

    Args:
        latent_channels: D, per cell.
        image_channels: C.
        widths: Channels of the stages, fine to coarse, as a backbone lists its features; each doubles the resolution.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: Likewise.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: ``film`` or ``adain``: the vector changes what each stage gives instead of being added once.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        widths: Sequence[int] = (32, 32, 64, 96, 128),
        likelihood: str = "bernoulli",
        scale: float | str = "learned",
        context_vector: int = 0,
        modulate: str = "none",
    ) -> None:
        super().__init__()
        self.channels, self.stride = image_channels, 2 ** len(widths)
        self.head = LikelihoodHead(likelihood, image_channels, scale)
        self.enter = nn.Conv2d(latent_channels, widths[-1], 1)
        self.tell = nn.Linear(context_vector, widths[-1]) if context_vector and modulate == "none" else None
        outputs = [*reversed(widths), widths[0]]
        self.stages = nn.Sequential(*(ResidualUp(a, b) for a, b in pairwise(outputs)))
        self.modulations = modulations(modulate, context_vector, outputs[1:])
        self.project = nn.Conv2d(widths[0], self.head.outputs, 3, padding=1)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`; a vector is taken as a grid of one cell."""
        features = self.enter(state[:, :, None, None] if state.dim() == 2 else state)
        if self.tell is not None and context.vector is not None:
            features = features + self.tell(context.vector)[:, :, None, None]
        for block, stage in enumerate(self.stages):
            features = modulated(self.modulations, block, stage(features), context.vector)
        likelihood: Likelihood = self.head(self.project(F.silu(features)))
        return likelihood
