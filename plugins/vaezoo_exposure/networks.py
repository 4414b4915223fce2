"""Networks that read a thumbnail of the whole image, and no single pixels.

    whole y ─ means of 64×64 fields ─┬─ mean light ℓ ────────────────────────────► c = (features, log ℓ)
                                     ├─ light over ℓ, 32×32 ─ convolutions ─ mean ─┤
                                     └─ log light over ℓ ─ histograms, quantiles ──┘

The features are made of light divided by its mean, so only log ℓ tells how dark the image is. A tile has another mean
than its image: whoever cuts an image into tiles must give the condition ``whole``.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import Conditioner, Context, Encoder, Posterior, believe
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts, ShapeError
from vaezoo.image import from_linear, to_linear

from .facts import ThumbnailConditionerConfig, ThumbnailEncoderConfig

MEAN_LIGHT = 0.27
"""Linear light that a thumbnail is scaled to: the geometric mean over the 208 photos of cid22."""
LEAST_LIGHT = 1e-4
"""Added to light before its logarithm: a third of the first of 255 levels."""
BINS, RANGE = 16, (-4.0, 3.0)
"""Number of bins and range of a histogram of the logarithm of light over its mean."""
QUANTILES = (0.5, 0.9, 0.98, 0.995, 1.0)
"""Quantiles of the largest channel. Most photos have some white, which tells more of the exposure than the mean."""
LEVELS = 2 * BINS + len(QUANTILES)
"""Number of values of :func:`levels`."""


def thumbnail(image: Tensor, side: int) -> Tensor:
    """Returns the light of an image (B, C, H, W) as means over a grid of ``side`` × ``side`` fields."""
    return to_linear(F.adaptive_avg_pool2d(image.float().clamp(0, 1), side))


def log_light(light: Tensor) -> Tensor:
    """Returns the logarithm of the mean light (B, C, h, w) of each image, (B, 1)."""
    return torch.log(light.mean((1, 2, 3)) + LEAST_LIGHT)[:, None]


def histogram(values: Tensor) -> Tensor:
    """Returns the shares of values (B, N) near each of `BINS` centres, (B, BINS), with sum 1 and a gradient."""
    low, high = RANGE
    place = (values.clamp(low, high) - low) / (high - low) * (BINS - 1)
    centres = torch.arange(BINS, device=values.device, dtype=values.dtype)
    return (1 - (place[:, :, None] - centres).abs()).clamp_min(0).mean(1)


def levels(light: Tensor, reference: Tensor) -> Tensor:
    """Returns histograms of mean and largest channel of light over a reference, and `QUANTILES` of the latter."""
    relative = torch.log(light.flatten(2) + LEAST_LIGHT) - reference[:, :, None]
    largest = relative.amax(1)
    ordered = largest.sort(1).values
    places = [round(share * (ordered.shape[1] - 1)) for share in QUANTILES]
    return torch.cat([histogram(relative.mean(1)), histogram(largest), ordered[:, places]], 1)


@final
class ThumbnailConditioner(Conditioner):
    """Makes a vector of a thumbnail of the whole dark image. Its last component is the logarithm of the mean light.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    takes = ("whole",)

    @accepts_keywords(ThumbnailConditionerConfig)
    def __init__(self, config: ThumbnailConditionerConfig) -> None:
        super().__init__()
        self.channels, self.side = config.image_channels, config.side
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([config.image_channels, *config.widths]):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1, padding_mode="replicate"), nn.SiLU()]
        self.look = nn.Sequential(*layers)
        self.join = nn.Sequential(
            nn.Linear(config.widths[-1] + LEVELS + 1, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.context_vector - 1),
        )

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """See :meth:`vaezoo.core.Conditioner.forward`.

        Args:
            y: Dark image (B, C, H, W).
            cond: Condition ``whole``: image that y is a part of, of any size, (B, C, h, w). Without it, y is the whole.

        Raises:
            ShapeError: ``whole`` is not such an image.
        """
        whole = cond.get("whole", y)
        if whole.dim() != 4 or whole.shape[:2] != y.shape[:2] or not whole.is_floating_point() or not whole.numel():
            raise ShapeError(
                f"Expected whole as floats ({y.shape[0]}, {y.shape[1]}, h, w), got {whole.dtype} {tuple(whole.shape)}.",
                value=tuple(whole.shape),
            )
        light = thumbnail(whole, self.side)
        reference = log_light(light)
        relative = from_linear(MEAN_LIGHT * light * torch.exp(-reference)[:, :, None, None])
        seen = self.look(2 * (F.adaptive_avg_pool2d(relative, -(-self.side // 2)) - 0.5).to(y)).mean((2, 3))
        vector = self.join(torch.cat([seen, levels(light, reference).to(y), (reference + 3).to(y)], 1))
        return Context(y.shape[0], (y.shape[2], y.shape[3]), image=y, vector=torch.cat([vector, reference.to(y)], 1))


@final
class ThumbnailEncoder(Encoder):
    """A belief about the exposure, by dense layers on the levels of both images and the conditioner's features.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(ThumbnailEncoderConfig)
    def __init__(self, config: ThumbnailEncoderConfig) -> None:
        super().__init__()
        self.channels, self.side = config.image_channels, config.side
        inputs = config.image_channels + 2 * LEVELS + config.context_vector
        self.body = nn.Sequential(
            nn.Linear(inputs, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, 2 * config.latent_channels),
        )

    def forward(self, image: Tensor, context: Context) -> Posterior:
        """See :meth:`vaezoo.core.Encoder.forward`. Without a dark image, the image takes its place.

        Raises:
            IncompatibleParts: The context has no vector.
        """
        if context.vector is None:
            raise IncompatibleParts(
                "ThumbnailEncoder needs a vector, but the context holds none.",
                hint="Use the conditioner thumbnail.",
                value=context.vector,
            )
        dark = image if context.image is None else context.image
        x, y = thumbnail(image, self.side), thumbnail(dark, self.side)
        gains = torch.log(x.mean((2, 3)) + LEAST_LIGHT) - torch.log(y.mean((2, 3)) + LEAST_LIGHT)
        reference = x.new_full((len(x), 1), MEAN_LIGHT).log()
        seen = torch.cat([gains, levels(x, reference), levels(y, log_light(y))], 1).to(image)
        return believe(self.body(torch.cat([seen, context.vector], 1)), "gaussian")
