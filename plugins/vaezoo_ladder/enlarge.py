"""The ends of a ladder that enlarges. Its networks work at the size of the input; its heads give the larger image.

    y ─ blocks 1/1 ─ blocks 1/2 ─ blocks 1/4                          conditioner, once per image
           │            │            │
        level 1/1 ◄─ level 1/2 ◄─ level 1/4                           prior: z at each level, see ``networks``
           │
    x̂ = bicubic y + shuffle(head)                                     decoder, a head for each factor

So the cost depends on the pixels of the input, not on the factor. Networks at the size of the result would cost 16
times as much for a factor of four. The evidence, in training only, comes from squares of factor × factor target pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import Conditioner, Context, Decoder, Encoder, Likelihood, LikelihoodHead, Pyramid, factor_of
from vaezoo.core.facts import accepts_keywords

from .blocks import BottomUp, conv3
from .facts import EnlargingConditionerConfig, EnlargingDecoderConfig, FoldingEncoderConfig
from .networks import centred

MISSING_GAIN = 16.0
"""Gain for the difference of target and bicubic image, so that it is about as wide as pixels in :func:`centred`."""


@lru_cache(maxsize=16)
def _kernels(factor: int) -> Tensor:
    """Returns the bicubic weights of each of factor² pixels for the 5×5 around it, (factor², 1, 5, 5)."""
    place = (torch.arange(factor, dtype=torch.float64) + 0.5) / factor - 0.5
    far = (place[:, None] - torch.arange(-2, 3, dtype=torch.float64)).abs()
    inner, outer = 1.5 * far**3 - 2.5 * far**2 + 1, -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
    weights = torch.where(far <= 1, inner, torch.where(far <= 2, outer, 0.0))
    return torch.einsum("py,qx->pqyx", weights, weights).reshape(factor**2, 1, 5, 5)


def enlarge(y: Tensor, factor: int) -> Tensor:
    """Enlarges images (B, C, H, W) bicubically by a whole factor, with mirrored edges, in full precision.

    The values equal those of `vaezoo.image.resize.upscale`, which a plugin does not import. It is a single convolution.

    Source: Cubic Convolution Interpolation for Digital Image Processing (Keys, 1981), eq. 4.
    """
    rows, channels = y.shape[:2]
    for dim in (2, 3):
        side = y.shape[dim]
        index = torch.arange(-2, side + 2, device=y.device) % (2 * side)
        y = y.index_select(dim, torch.where(index < side, index, 2 * side - 1 - index))
    planes = y.reshape(rows * channels, 1, *y.shape[2:])
    with torch.autocast(y.device.type, enabled=False):
        large = F.pixel_shuffle(F.conv2d(planes, _kernels(factor).to(y)), factor)
    return large.view(rows, channels, *large.shape[2:])


@final
class Bicubic(nn.Module):
    """The bicubic enlargement as a module, so that its cost is counted as a part's."""

    def forward(self, y: Tensor, factor: int) -> Tensor:
        """Returns the result of :func:`enlarge`."""
        return enlarge(y, factor)


@final
class EnlargingConditioner(Conditioner):
    """Features of the small image at 1/1, 1/2, 1/4 and so on, and its bicubic enlargement.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    takes = ("factor",)

    @accepts_keywords(EnlargingConditionerConfig)
    def __init__(self, config: EnlargingConditionerConfig) -> None:
        super().__init__()
        self.channels = config.image_channels
        self.stride = 2 ** (len(config.widths) - 1)
        self.enlarges = tuple(config.factors)
        self.bottom_up = BottomUp(
            config.image_channels, config.widths, config.blocks, config.finest_blocks, config.block
        )
        self.bicubic = Bicubic()

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """See :meth:`vaezoo.core.Conditioner.forward`.

        Raises:
            ShapeError: The condition ``factor`` does not have shape (B,), or is not one of the factors.
        """
        factor = factor_of(cond, self.enlarges, y.shape[0])
        features, size = self.bottom_up(centred(y, 1)), (y.shape[2], y.shape[3])
        return Context(y.shape[0], size, image=self.bicubic(y, factor), features=features, factor=factor)


@final
class FoldingEncoder(Encoder):
    """Evidence from a target, at the levels of a ladder over the small image.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(FoldingEncoderConfig)
    def __init__(self, config: FoldingEncoderConfig) -> None:
        super().__init__()
        self.channels, self.stride = config.image_channels, 2 ** (len(config.evidence) - 1)
        self.bottom_up = BottomUp(config.image_channels, config.evidence, 1)
        self.folds = nn.ModuleDict(
            {str(f): conv3(f**2 * config.image_channels, config.evidence[0]) for f in config.factors}
        )

    def forward(self, image: Tensor, context: Context) -> Pyramid:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        factor = context.factor
        large = image if context.image is None else context.image
        missing = F.pixel_unshuffle(MISSING_GAIN * (image - large), factor)
        return Pyramid(self.bottom_up(centred(F.avg_pool2d(large, factor), 1), self.folds[str(factor)](missing)))


@final
class EnlargingDecoder(Decoder):
    """A correction of the bicubic image, and the width of its error, for each pixel of the larger image.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(EnlargingDecoderConfig)
    def __init__(self, config: EnlargingDecoderConfig) -> None:
        super().__init__()
        self.channels, self.stride = config.image_channels, 1
        self.head = LikelihoodHead("gaussian", config.image_channels, "pixel")
        projects = {str(f): conv3(config.widths[0], f**2 * self.head.outputs) for f in config.factors}
        for project in projects.values():
            nn.init.zeros_(project.weight)
        self.projects = nn.ModuleDict(projects)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`."""
        factor = context.factor
        features = F.pixel_shuffle(self.projects[str(factor)](state), factor)
        likelihood: Likelihood = self.head(features, base=context.image)
        return likelihood
