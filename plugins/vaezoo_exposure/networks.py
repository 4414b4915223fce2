"""Networks that see a thumbnail of a whole picture, and say nothing of single pixels.

    whole y ─ means of 64×64 fields ─┬─ mean light ℓ ────────────────────────────► c = (features, log ℓ)
                                     ├─ light over ℓ, 32×32 ─ convolutions ─ mean ─┤
                                     └─ log light over ℓ ─ histograms, quantiles ──┘

What the features are made of is the light divided by its mean, so how dark the picture is shows in log ℓ alone. A tile
has another mean than its picture: whoever cuts one up tells the condition ``whole``.
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
"""Linear light that a thumbnail is brought to: the geometric mean of those of cid22's 208 photos."""
LEAST_LIGHT = 1e-4
"""Added to light before its logarithm: a third of the first of 255 levels."""
BINS, RANGE = 16, (-4.0, 3.0)
"""Of a histogram of the logarithm of light over its mean."""
QUANTILES = (0.5, 0.9, 0.98, 0.995, 1.0)
"""Of the largest channel: most photos have some white, which tells of the exposure more than their mean does."""
LEVELS = 2 * BINS + len(QUANTILES)
"""Numbers that :func:`levels` gives."""


def thumbnail(image: Tensor, side: int) -> Tensor:
    """Returns the light of an image (B, C, H, W) as means over a grid of ``side`` × ``side`` fields."""
    return to_linear(F.adaptive_avg_pool2d(image.float().clamp(0, 1), side))


def log_light(light: Tensor) -> Tensor:
    """Returns the logarithm of the mean light (B, C, h, w) of each image, (B, 1)."""
    return torch.log(light.mean((1, 2, 3)) + LEAST_LIGHT)[:, None]


def histogram(values: Tensor) -> Tensor:
    """Returns the shares of values (B, N) near each of `BINS` centres, (B, BINS), of sum 1: with a gradient."""
    low, high = RANGE
    place = (values.clamp(low, high) - low) / (high - low) * (BINS - 1)
    centres = torch.arange(BINS, device=values.device, dtype=values.dtype)
    return (1 - (place[:, :, None] - centres).abs()).clamp_min(0).mean(1)


def levels(light: Tensor, reference: Tensor) -> Tensor:
    """Returns histograms of the mean and of the largest channel of light over a reference, and `QUANTILES` of that."""
    relative = torch.log(light.flatten(2) + LEAST_LIGHT) - reference[:, :, None]
    largest = relative.amax(1)
    ordered = largest.sort(1).values
    places = [round(share * (ordered.shape[1] - 1)) for share in QUANTILES]
    return torch.cat([histogram(relative.mean(1)), histogram(largest), ordered[:, places]], 1)


@final
class ThumbnailConditioner(Conditioner):
    """A vector from a thumbnail of the whole dark picture; its last component is the logarithm of the mean light.

    Args:
        config: Its parameters, which are also taken as keywords.
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
            y: Dark, (B, C, H, W).
            cond: ``whole``, the picture that y is a part of, of any size, (B, C, h, w); without it y is the whole.

        Raises:
            ShapeError: ``whole`` is no such image.
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
    """A belief about the exposure: dense layers of both pictures' levels and of what the conditioner saw.

    Args:
        config: Its parameters, which are also taken as keywords.
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
        """See :meth:`vaezoo.core.Encoder.forward`; without a dark picture the image is its own.

        Raises:
            IncompatibleParts: The context holds no vector.
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
