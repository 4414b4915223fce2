"""A Gaussian prior whose mean and width a network computes from the condition."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import Context, DiagonalGaussian, FlatPrior, bound_logvar, kl
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts

from .facts import ConditionalNormalPriorConfig


@final
class ConditionalNormalPrior(FlatPrior):
    """p(z|c) = N(μ(c), diag σ²(c)), where c is the context's vector.

        c ─► linear ─► SiLU ─► … ─► linear ─► μ(c), log σ²(c)

    The last layer starts at zero, so before training the prior is the same for every c, near N(0, I). On a grid, all
    cells have the same Gaussian.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Learning Structured Output Representation using Deep Conditional Generative Models (Sohn et al., 2015), the
    prior network p(z|x), whose condition is an image.
    """

    @accepts_keywords(ConditionalNormalPriorConfig)
    def __init__(self, config: ConditionalNormalPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.vector = config.context_vector
        widths = [config.context_vector, *config.hidden]
        layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.SiLU())]
        last = nn.Linear(widths[-1], 2 * config.latent_channels)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.body = nn.Sequential(*layers, last)

    def given(self, context: Context) -> DiagonalGaussian:
        """Returns p(z|c), with tensors (B, D), or (B, D, 1, 1) on a grid.

        Raises:
            IncompatibleParts: The context has no vector, or one of other dimensions.
        """
        has = None if context.vector is None else context.vector.shape[1]
        if context.vector is None or has != self.vector:
            raise IncompatibleParts(
                f"ConditionalNormalPrior reads a vector of {self.vector}, but the context holds {has or 'none'}.",
                hint="Use a conditioner that gives one of this size, such as labels.",
                value=has,
            )
        raw = self.body(context.vector)
        mean, logvar = (raw if self.latent_stride is None else raw[..., None, None]).chunk(2, 1)
        return DiagonalGaussian(mean, bound_logvar(logvar))

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns log N(z; μ(c), σ²(c)), summed over latents, (K, B) nats."""
        return self.given(context).log_prob(z)

    def rate(self, posterior: DiagonalGaussian, context: Context) -> Tensor:
        """Returns KL(q‖p(z|c)); see :func:`vaezoo.core.kl`."""
        return kl(posterior, self.given(context))

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns μ(c) + σ(c)·ε."""
        prior = self.given(context)
        return prior.mean + torch.exp(0.5 * prior.logvar) * eps
