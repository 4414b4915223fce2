"""A tone curve that maps dark values to lit ones, the same at every pixel. No pixel depends on a neighbour."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import Context, Decoder, Likelihood, LikelihoodHead, bound_logvar
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts
from vaezoo.image import from_linear, to_linear

from .facts import ToneCurveDecoderConfig
from .networks import MEAN_LIGHT

TOP = 1.5
"""Value up to which the curve rises. What the gain lifts above it has the same brightness."""
LOG_GAIN = (-1.0, 5.0)
"""Soft bounds of the log gain: from a third to 148 times the light."""
TINT = 0.3
"""Largest factor of a channel's gain, as a logarithm."""
BEND = 2.0
"""Largest difference, as a logarithm, between the slope of a piece and that of a straight curve."""
BEYOND = 0.05
"""Initial slope of the curve above white."""
LOGVAR = -6.0
"""Initial log σ²: a σ of 13 of 255 levels."""


@final
class ToneCurve(nn.Module):
    """x = T(sRGB(g · w · light of y)), with a gain g, a white balance w per channel, and a piecewise linear curve T.

    The slopes of T are exponentials of a network's outputs, so T rises from 0 and is monotone for any outputs.

    Args:
        image_channels: Number of image channels C.
        knots: Number of pieces of T on [0, `TOP`].

    Attributes:
        outputs: Number of outputs of the network: gain, C balances, a step for each piece, log σ² at each end.
    """

    steps: Tensor

    def __init__(self, image_channels: int, knots: int) -> None:
        super().__init__()
        self.channels, self.knots = image_channels, knots
        self.outputs = 1 + image_channels + knots + knots + 1
        ends = torch.linspace(0, TOP, knots + 1)
        straight = torch.where(ends <= 1, ends, 1 + BEYOND * (ends - 1))
        self.register_buffer("steps", straight.diff(), persistent=False)

    def forward(self, y: Tensor, raw: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the lit image and its raw log σ², both shaped like y.

        Args:
            y: Dark image (B, C, H, W).
            raw: Outputs of the network (B, outputs).
            reference: Logarithm of the mean light of the whole image, (B, 1).
        """
        gain, tint, bends, logvar = raw.split([1, self.channels, self.knots, self.knots + 1], 1)
        tint = TINT * torch.tanh(tint)
        gain = bound_logvar(math.log(MEAN_LIGHT) - reference + gain, *LOG_GAIN) + tint - tint.mean(1, keepdim=True)
        lifted = from_linear(to_linear(y.clamp(0, 1)) * torch.exp(gain)[:, :, None, None])
        place = (lifted / TOP).clamp(0, 1) * self.knots
        piece = place.detach().floor().clamp(max=self.knots - 1)
        share, index = place - piece, piece.flatten(1).long()
        rises = self.steps.to(raw) * torch.exp(BEND * torch.tanh(bends / BEND))
        heights = torch.cat([torch.zeros_like(rises[:, :1]), rises.cumsum(1)], 1)

        def at(table: Tensor) -> Tensor:
            return table.gather(1, index).view_as(y)

        image = at(heights[:, :-1]) + share * at(rises)
        return image, LOGVAR + at(logvar[:, :-1]) + share * at(logvar.diff(dim=1))


@final
class ToneCurveDecoder(Decoder):
    """Two dense layers from (z, c) to a :class:`ToneCurve` and its error at each level.

    Pixels are independent, so an image in tiles is lit like the whole, if all tiles get the same z and c.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(ToneCurveDecoderConfig)
    def __init__(self, config: ToneCurveDecoderConfig) -> None:
        super().__init__()
        self.channels = config.image_channels
        self.curve = ToneCurve(config.image_channels, config.knots)
        self.head = LikelihoodHead("gaussian", config.image_channels, "pixel")
        last = nn.Linear(config.hidden, self.curve.outputs)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)
        self.body = nn.Sequential(
            nn.Linear(config.latent_channels + config.context_vector, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.SiLU(),
            last,
        )

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`.

        Raises:
            IncompatibleParts: The context has no dark image or no vector.
        """
        if context.image is None or context.vector is None:
            has = next((name for name in ("image", "vector") if getattr(context, name) is not None), "neither")
            raise IncompatibleParts(
                f"ToneCurveDecoder needs an image and a vector, but the context holds {has}.",
                hint="Use the conditioner thumbnail.",
                value=has,
            )
        raw = self.body(torch.cat([state, context.vector], 1))
        image, logvar = self.curve(context.image, raw, context.vector[:, -1:])
        likelihood: Likelihood = self.head(torch.cat([image, logvar], 1))
        return likelihood
