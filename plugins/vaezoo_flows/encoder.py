"""A dense encoder whose belief is a Gaussian moved by a flow. It takes pictures of one size, which it states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import Context, DiagonalGaussian, Encoder, bound_logvar

from .bijections import Flow
from .facts import POSTERIOR_FLOWS, check_activation, check_flow
from .posterior import FlowPosterior

UNITS = {"silu": nn.SiLU, "relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


@final
class FlowDenseEncoder(Encoder):
    """Pixels to a Gaussian, and to the conditions of a flow that moves it.

        image ─► dense layers ─┬─► μ, log σ² ─► z₀ ─► flow ─► z, log q
                               └─► h ───────────────────┘

    Args:
        latent_channels: D.
        image_channels: C.
        image_size: (H, W), the one size it takes.
        hidden: Widths of the hidden layers.
        flow: ``iaf`` (affine autoregressive), ``nsf`` (spline autoregressive) or ``planar``.
        transforms: Steps of the flow.
        flow_widths: Hidden layers of each autoregressive step; each at least D wide.
        flow_context: Dimensions of h.
        bins: Pieces of each spline of ``nsf``.
        context_vector: Dimensions of the context's vector, read beside the pixels; 0 for none.
        activation: Of the encoder's hidden layers: ``silu``, ``relu``, ``tanh`` or ``gelu``.

    Raises:
        ConfigError: The flow or the activation is unknown, or the settings cannot work.

    Source: Improved Variational Inference with Inverse Autoregressive Flow (Kingma et al., 2016), algorithm 1,
    arXiv:1606.04934; Neural Spline Flows (Durkan et al., 2019), arXiv:1906.04032; planar: see ``PlanarTransform``.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        image_size: Sequence[int] = (28, 28),
        hidden: Sequence[int] = (512, 256),
        flow: str = "iaf",
        transforms: int = 4,
        flow_widths: Sequence[int] = (64, 64),
        flow_context: int = 32,
        bins: int = 8,
        context_vector: int = 0,
        activation: str = "silu",
    ) -> None:
        super().__init__()
        check_activation(activation)
        check_flow(flow, POSTERIOR_FLOWS, latent_channels, transforms, flow_widths, bins)
        self.channels, self.size, self.vector = image_channels, (image_size[0], image_size[1]), context_vector
        widths = [image_channels * math.prod(image_size) + context_vector, *hidden]
        self.body = nn.Sequential(*(m for i, o in pairwise(widths) for m in (nn.Linear(i, o), UNITS[activation]())))
        self.believe = nn.Linear(widths[-1], 2 * latent_channels)
        self.condition = nn.Linear(widths[-1], flow_context)
        self.flow = Flow(flow, latent_channels, flow_context, transforms, flow_widths, bins)

    def forward(self, image: Tensor, context: Context) -> FlowPosterior:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        flat = image.flatten(1)
        if self.vector and context.vector is not None:
            flat = torch.cat([flat, context.vector], 1)
        features = self.body(flat)
        mean, logvar = self.believe(features).chunk(2, 1)
        return FlowPosterior(DiagonalGaussian(mean, bound_logvar(logvar)), self.flow(self.condition(features)))
