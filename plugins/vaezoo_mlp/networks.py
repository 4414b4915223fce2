"""Dense networks. They take pictures of one size, which they state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import Context, Decoder, Encoder, Likelihood, LikelihoodHead, Posterior
from vaezoo.core.beliefs import belief_channels
from vaezoo.core.posterior import believe
from vaezoo.errors import ConfigError, suggest

ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


def dense(widths: Sequence[int], activation: str) -> nn.Sequential:
    """Returns linear layers, each followed by the activation.

    Raises:
        ConfigError: The activation has no such name.
    """
    if activation not in ACTIVATIONS:
        raise ConfigError(
            f"Expected an activation, got {activation!r}.", hint=suggest(activation, ACTIVATIONS), value=activation
        )
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)


def with_vector(flat: Tensor, context: Context, vector: int) -> Tensor:
    """Returns features (N, D) beside the context's vector, where the part reads one."""
    return torch.cat([flat, context.vector], 1) if vector and context.vector is not None else flat


@final
class DenseEncoder(Encoder):
    """Pixels to the mean and log-variance of a Gaussian, or to a point.

    Args:
        latent_channels: D.
        image_channels: C.
        image_size: (H, W), the one size it takes.
        hidden: Widths of the hidden layers.
        activation: ``relu``, ``silu``, ``tanh``, ``sigmoid`` or ``gelu``.
        context_vector: Dimensions of the context's vector, read beside the pixels; 0 for none.
        belief: ``gaussian``, ``dirac`` for a point and nothing else, or another of :mod:`vaezoo.core.beliefs`.

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
    ) -> None:
        super().__init__()
        self.belief = belief
        self.channels, self.size, self.vector = image_channels, (image_size[0], image_size[1]), context_vector
        pixels = image_channels * math.prod(image_size)
        self.body = dense([pixels + context_vector, *hidden], activation)
        self.believe = nn.Linear([pixels + context_vector, *hidden][-1], belief_channels(belief, latent_channels))

    def forward(self, image: Tensor, context: Context) -> Posterior:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        return believe(self.believe(self.body(with_vector(image.flatten(1), context, self.vector))), self.belief)


@final
class DenseDecoder(Decoder):
    """Latents to a likelihood of pixels.

    Args:
        latent_channels: D.
        image_channels: C.
        image_size: (H, W), the one size it gives.
        hidden: Widths of the hidden layers.
        activation: As the encoder's.
        likelihood: ``bernoulli``, ``gaussian`` or ``laplace``.
        scale: See :class:`vaezoo.core.LikelihoodHead`.
        context_vector: Dimensions of the context's vector, read beside the latents; 0 for none.
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
    ) -> None:
        super().__init__()
        self.channels, self.size, self.vector = image_channels, (image_size[0], image_size[1]), context_vector
        self.image_size = (image_size[0], image_size[1])
        self.head = LikelihoodHead(likelihood, image_channels, scale)
        widths = [latent_channels + context_vector, *hidden]
        self.body = dense(widths, activation)
        self.project = nn.Linear(widths[-1], self.head.outputs * math.prod(image_size))

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`; a state of one cell is taken as a vector."""
        flat = self.project(self.body(with_vector(state.flatten(1), context, self.vector)))
        likelihood: Likelihood = self.head(flat.unflatten(1, (self.head.outputs, *self.image_size)))
        return likelihood
