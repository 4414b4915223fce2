"""Dense networks. They take pictures of one size, which they state."""

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
from vaezoo.errors import ConfigError, suggest

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "glu": lambda: nn.GLU(1),
}


def dense(widths: Sequence[int], activation: str) -> nn.Sequential:
    """Returns linear layers, each followed by the activation.

    With ``glu`` a layer has twice the outputs, one half being the gate of the other: (A·x + a) · sigmoid(B·x + b).
    Source: Language Modeling with Gated Convolutional Networks (Dauphin et al., 2017), eq. 1, arXiv:1612.08083.

    Raises:
        ConfigError: The activation has no such name.
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
    """Returns what the layers of :func:`dense` put out before the activation, which halves it for ``glu``."""
    return [2 * width if activation == "glu" else width for width in hidden]


def with_vector(flat: Tensor, context: Context, vector: int) -> Tensor:
    """Returns features (N, D) beside the context's vector, where the part reads one."""
    return torch.cat([flat, context.vector], 1) if vector and context.vector is not None else flat


def through(body: nn.Sequential, layers: nn.ModuleList, flat: Tensor, context: Context) -> Tensor:
    """Returns what :func:`dense` layers make of (N, D), each modulated by the context before its activation."""
    if not len(layers):
        hidden: Tensor = body(flat)
        return hidden
    for block in range(len(layers)):
        flat = body[2 * block + 1](modulated(layers, block, body[2 * block](flat), context.vector))
    return flat


@final
class DenseEncoder(Encoder):
    """Pixels to the mean and log-variance of a Gaussian, or to a point.

    Args:
        latent_channels: D.
        image_channels: C.
        image_size: (H, W), the one size it takes.
        hidden: Widths of the hidden layers.
        activation: ``relu``, ``silu``, ``tanh``, ``sigmoid``, ``gelu`` or ``glu``, see :func:`dense`.
        context_vector: Dimensions of the context's vector, read beside the pixels; 0 for none.
        belief: ``gaussian``, ``dirac`` for a point and nothing else, or another of :mod:`vaezoo.core.beliefs`.
        modulate: ``film`` or ``adain``: the vector changes every hidden layer instead of being read beside the pixels.

    Raises:
        ConfigError: There is no such belief.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        image_size: Sequence[int] = (28, 28),
        hidden: Sequence[int] = (512, 256),
        activation: str = "silu",
        context_vector: int = 0,
        belief: str = "gaussian",
        modulate: str = "none",
    ) -> None:
        super().__init__()
        self.belief = belief
        self.channels, self.size = image_channels, (image_size[0], image_size[1])
        self.modulations = modulations(modulate, context_vector, layer_widths(hidden, activation))
        self.vector = context_vector if modulate == "none" else 0
        widths = [image_channels * math.prod(image_size) + self.vector, *hidden]
        self.body = dense(widths, activation)
        self.believe = nn.Linear(widths[-1], belief_channels(belief, latent_channels))

    def forward(self, image: Tensor, context: Context) -> Posterior:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        flat = with_vector(image.flatten(1), context, self.vector)
        return believe(self.believe(through(self.body, self.modulations, flat, context)), self.belief)


@final
class DenseDecoder(Decoder):
    """Latents to a likelihood of pixels.

    Args:
        latent_channels: D.
        image_channels: C.
        image_size: (H, W), the one size it gives.
        hidden: Widths of the hidden layers.
        activation: As the encoder's.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: Likewise.
        context_vector: Dimensions of the context's vector, read beside the latents; 0 for none.
        modulate: ``film`` or ``adain``: the vector changes every hidden layer instead of being read beside the latents.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        image_size: Sequence[int] = (28, 28),
        hidden: Sequence[int] = (256, 512),
        activation: str = "silu",
        likelihood: str = "bernoulli",
        scale: float | str = "learned",
        context_vector: int = 0,
        modulate: str = "none",
    ) -> None:
        super().__init__()
        self.channels, self.size = image_channels, (image_size[0], image_size[1])
        self.image_size = (image_size[0], image_size[1])
        self.head = LikelihoodHead(likelihood, image_channels, scale)
        self.modulations = modulations(modulate, context_vector, layer_widths(hidden, activation))
        self.vector = context_vector if modulate == "none" else 0
        widths = [latent_channels + self.vector, *hidden]
        self.body = dense(widths, activation)
        self.project = nn.Linear(widths[-1], self.head.outputs * math.prod(image_size))

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`; a state of one cell is taken as a vector."""
        flat = with_vector(state.flatten(1), context, self.vector)
        flat = self.project(through(self.body, self.modulations, flat, context))
        likelihood: Likelihood = self.head(flat.unflatten(1, (self.head.outputs, *self.image_size)))
        return likelihood
