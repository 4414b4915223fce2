"""A dense encoder to a Gaussian transformed by a flow. It takes images of a single size."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import Context, DiagonalGaussian, Encoder, bound_logvar
from vaezoo.core.facts import accepts_keywords

from .bijections import Flow
from .facts import FlowDenseEncoderConfig
from .posterior import FlowPosterior

UNITS = {"silu": nn.SiLU, "relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


@final
class FlowDenseEncoder(Encoder):
    """A dense network from pixels to a Gaussian, and to the conditions of a flow that transforms it.

        image ─► dense layers ─┬─► μ, log σ² ─► z₀ ─► flow ─► z, log q
                               └─► h ───────────────────┘

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Improved Variational Inference with Inverse Autoregressive Flow (Kingma et al., 2016), algorithm 1,
    arXiv:1606.04934; Neural Spline Flows (Durkan et al., 2019), arXiv:1906.04032; planar: see ``PlanarTransform``.
    """

    @accepts_keywords(FlowDenseEncoderConfig)
    def __init__(self, config: FlowDenseEncoderConfig) -> None:
        super().__init__()
        self.channels = config.image_channels
        self.size = (config.image_size[0], config.image_size[1])
        self.vector = config.context_vector
        widths = [config.image_channels * math.prod(config.image_size) + config.context_vector, *config.hidden]
        self.body = nn.Sequential(
            *(m for i, o in pairwise(widths) for m in (nn.Linear(i, o), UNITS[config.activation]()))
        )
        self.believe = nn.Linear(widths[-1], 2 * config.latent_channels)
        self.condition = nn.Linear(widths[-1], config.flow_context)
        self.flow = Flow(
            config.flow, config.latent_channels, config.flow_context, config.transforms, config.flow_widths, config.bins
        )

    def forward(self, image: Tensor, context: Context) -> FlowPosterior:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        flat = image.flatten(1)
        if self.vector and context.vector is not None:
            flat = torch.cat([flat, context.vector], 1)
        features = self.body(flat)
        mean, logvar = self.believe(features).chunk(2, 1)
        return FlowPosterior(DiagonalGaussian(mean, bound_logvar(logvar)), self.flow(self.condition(features)))
