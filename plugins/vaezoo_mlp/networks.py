"""Dense networks, which take images of a single size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import final

import torch
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
from vaezoo.errors import ConfigError, suggest

from .facts import DenseDecoderConfig, DenseEncoderConfig

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "glu": lambda: nn.GLU(1),
}


def dense(widths: Sequence[int], activation: str) -> nn.Sequential:
    """Makes linear layers, each followed by the activation.

    With ``glu`` a layer has twice the outputs, and one half gates the other: (A·x + a) · sigmoid(B·x + b).
    Source: Language Modeling with Gated Convolutional Networks (Dauphin et al., 2017), eq. 1, arXiv:1612.08083.

    Raises:
        ConfigError: The activation is unknown.
    """
    if activation not in ACTIVATIONS:
        raise ConfigError(
            f"Expected an activation, got {activation!r}.", hint=suggest(activation, ACTIVATIONS), value=activation
        )
    layers: list[nn.Module] = []
    for (inputs, _), outputs in zip(pairwise(widths), layer_widths(widths[1:], activation), strict=True):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)


def layer_widths(hidden: Sequence[int], activation: str) -> list[int]:
    """Returns the numbers of outputs of :func:`dense` layers before the activation, which halves them for ``glu``."""
    return [2 * width if activation == "glu" else width for width in hidden]


def with_vector(flat: Tensor, context: Context, vector: int) -> Tensor:
    """Returns features (N, D) with the context's vector appended, if the part reads one."""
    return torch.cat([flat, context.vector], 1) if vector and context.vector is not None else flat


def through(body: nn.Sequential, layers: nn.ModuleList, flat: Tensor, context: Context) -> Tensor:
    """Runs :func:`dense` layers on (N, D). The context modulates each before its activation."""
    if not len(layers):
        hidden: Tensor = body(flat)
        return hidden
    for block in range(len(layers)):
        flat = body[2 * block + 1](modulated(layers, block, body[2 * block](flat), context.vector))
    return flat


@final
class DenseEncoder(Encoder):
    """A dense network from pixels to the mean and log-variance of a Gaussian, or to another belief.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Raises:
        ConfigError: The kind of belief is unknown.
    """

    @accepts_keywords(DenseEncoderConfig)
    def __init__(self, config: DenseEncoderConfig) -> None:
        super().__init__()
        self.belief = config.belief
        self.channels, self.size = config.image_channels, (config.image_size[0], config.image_size[1])
        self.modulations = modulations(
            config.modulate, config.context_vector, layer_widths(config.hidden, config.activation)
        )
        self.vector = config.context_vector if config.modulate == "none" else 0
        widths = [config.image_channels * math.prod(config.image_size) + self.vector, *config.hidden]
        self.body = dense(widths, config.activation)
        self.believe = nn.Linear(widths[-1], belief_channels(config.belief, config.latent_channels))

    def forward(self, image: Tensor, context: Context) -> Posterior:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        flat = with_vector(image.flatten(1), context, self.vector)
        return believe(self.believe(through(self.body, self.modulations, flat, context)), self.belief)


@final
class DenseDecoder(Decoder):
    """A dense network from latents to a likelihood of pixels.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(DenseDecoderConfig)
    def __init__(self, config: DenseDecoderConfig) -> None:
        super().__init__()
        self.channels, self.size = config.image_channels, (config.image_size[0], config.image_size[1])
        self.image_size = (config.image_size[0], config.image_size[1])
        self.head = LikelihoodHead(config.likelihood, config.image_channels, config.scale)
        self.modulations = modulations(
            config.modulate, config.context_vector, layer_widths(config.hidden, config.activation)
        )
        self.vector = config.context_vector if config.modulate == "none" else 0
        widths = [config.latent_channels + self.vector, *config.hidden]
        self.body = dense(widths, config.activation)
        self.project = nn.Linear(widths[-1], self.head.outputs * math.prod(config.image_size))

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`. A state of one cell is treated as a vector."""
        flat = with_vector(state.flatten(1), context, self.vector)
        flat = self.project(through(self.body, self.modulations, flat, context))
        likelihood: Likelihood = self.head(flat.unflatten(1, (self.head.outputs, *self.image_size)))
        return likelihood
