"""A Gamma prior."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from vaezoo.core import Context, FlatPrior, Latents, Noise
from vaezoo.core.facts import accepts_keywords

from .facts import GammaPriorConfig
from .posterior import Gamma


@final
class GammaPrior(FlatPrior):
    """Independent Gamma(shape, rate) distributions, the same for every latent.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    device_of: Tensor
    exact_for = (Gamma,)

    @accepts_keywords(GammaPriorConfig)
    def __init__(self, config: GammaPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.shape = config.shape
        self.inverse = config.rate
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def _law(self, like: Tensor) -> Gamma:
        """Returns the prior as a distribution shaped like ``like``, (B, D, ...)."""
        return Gamma(torch.full_like(like, self.shape), torch.full_like(like, self.inverse))

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns the log density, (K, B, ...) to (K, B) nats."""
        return self._law(z[0]).log_prob(z)

    def rate(self, posterior: Any, context: Context) -> Tensor:
        """Returns the exact divergence from a Gamma posterior, (B,) nats."""
        return Gamma.rate(posterior, self.shape, self.inverse)

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns approximate quantiles for Φ(ε), by Wilson and Hilferty. :meth:`sample` is exact.

        Source: The Distribution of Chi-Square (Wilson and Hilferty, 1931).
        """
        ninth = 1 / (9 * self.shape)
        return self.shape / self.inverse * (1 - ninth + ninth**0.5 * eps).clamp_min(1e-3) ** 3

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.sample`."""
        grid = () if self.latent_stride is None else tuple(-(-side // self.latent_stride) for side in context.size)
        given = next((each for each in (context.image, context.vector) if each is not None), self.device_of)
        like = given.new_zeros((context.batch, self.latent_channels, *grid))
        z, log_p = self._law(like).sample(k, noise, stride=self.latent_stride or 1)
        return Latents((z,), self.state(z), log_p=log_p)
