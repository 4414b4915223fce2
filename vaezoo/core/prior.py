"""The prior slot: everything from evidence to the decoder's state. Ladders are in ``ladder``."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, cast, final

import torch
from torch import Tensor, nn

from ..errors import ConfigError, IncompatibleParts
from .context import Context
from .covariance import FullGaussian
from .encoder import Encoder
from .latents import Latents
from .mixture import mixture_draw, mixture_log_prob
from .noise import Noise
from .posterior import DiagonalGaussian, Posterior, Pyramid, bound_logvar, kl


class Prior(ABC, nn.Module):
    """p(z), and how to infer under it."""

    def bind(self, encoder: Encoder) -> None:
        """Shows the prior the model's encoder, once, when the model is put together; most priors need none.

        One that does keeps it in a tuple: an attribute would be a submodule, and its tensors twice in every file.
        """

    @abstractmethod
    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """Returns K posterior samples an image, with their rate."""

    @abstractmethod
    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """Returns K samples of p(z|context) for each of its B rows; at temperature 0 the prior's centre."""


class FlatPrior(Prior):
    """A prior over one group of latents with a density.

    Attributes:
        latent_channels: D.
        latent_stride: Pixels per cell of (B, D, h, w) latents; None for vectors (B, D).
        exact_for: Posteriors that :meth:`rate` takes.
    """

    exact_for: ClassVar[tuple[type[Posterior], ...]] = (DiagonalGaussian,)
    latent_channels: int
    latent_stride: int | None

    @abstractmethod
    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns log p(z), (K, B, ...) to (K, B) nats."""

    @abstractmethod
    def rate(self, posterior: DiagonalGaussian, context: Context) -> Tensor | None:
        """Returns KL(q‖p), (B,) nats, where a closed form exists, else None."""

    @abstractmethod
    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns z from standard normal noise of its shape (K, B, ...)."""

    def state(self, z: Tensor) -> Tensor:
        """Returns what the decoder sees of z, (K, B, ...) to (K·B, ...): z itself, unless a prior knows better."""
        return z.flatten(0, 1)

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`Prior.infer`; the rate is exact, or the mean of log q − log p over the K samples.

        Raises:
            IncompatibleParts: The belief is a pyramid.
        """
        if isinstance(belief, Pyramid):
            raise IncompatibleParts(
                f"{type(self).__name__} takes a posterior, but the encoder gives a pyramid.",
                hint="Use a ladder prior.",
                value=type(belief).__name__,
            )
        z, log_q = belief.sample(k, noise, stride=self.latent_stride or 1)
        log_p = self.log_prob(z, context)
        rate: tuple[Tensor, ...] = ()
        if log_q is not None:
            exact = self.rate(cast(Any, belief), context) if isinstance(belief, self.exact_for) else None
            rate = (exact if exact is not None else (log_q - log_p).mean(0),)
        return Latents((z,), self.state(z), rate, log_p, log_q)

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`Prior.sample`."""
        given = (context.image, context.vector, *self.parameters(), *self.buffers())
        like = next((t for t in given if t is not None), torch.zeros(()))
        grid = () if self.latent_stride is None else tuple(-(-s // self.latent_stride) for s in context.size)
        shape = (k, context.batch, self.latent_channels, *grid)
        eps = (noise or Noise()).normal(shape, like, stride=self.latent_stride or 1)
        z = self.draw(eps, context)
        return Latents((z,), self.state(z), log_p=self.log_prob(z, context))


@final
class NormalPrior(FlatPrior):
    """N(0, I).

    Args:
        latent_channels: D.
        latent_stride: Pixels per cell, or None for vectors.
    """

    exact_for = (DiagonalGaussian, FullGaussian)

    def __init__(self, latent_channels: int, latent_stride: int | None = None) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = latent_channels, latent_stride
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns −½ Σ (z² + log 2π)."""
        return -0.5 * (z.float() ** 2 + math.log(2 * math.pi)).flatten(2).sum(2)

    def rate(self, posterior: DiagonalGaussian | FullGaussian, context: Context) -> Tensor:
        """Returns KL(q‖N(0, I)), see :func:`vaezoo.core.kl`."""
        return posterior.rate() if isinstance(posterior, FullGaussian) else kl(posterior)

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns the noise itself."""
        return eps


@final
class MixturePrior(FlatPrior):
    """A learned mixture of diagonal Gaussians, one for all cells.

    Args:
        latent_channels: D.
        latent_stride: Pixels per cell, or None for vectors.
        components: Number of Gaussians.

    Raises:
        ConfigError: Fewer than one component.
    """

    def __init__(self, latent_channels: int, latent_stride: int | None = None, components: int = 16) -> None:
        super().__init__()
        if components < 1:
            raise ConfigError(f"Expected at least 1 component, got {components}.", value=components)
        self.latent_channels, self.latent_stride = latent_channels, latent_stride
        self.register_buffer("device_of", torch.zeros(()), persistent=False)
        self.weight_logits = nn.Parameter(torch.zeros(components))
        self.means = nn.Parameter(0.5 * torch.randn(components, latent_channels))
        self.raw_logvars = nn.Parameter(torch.zeros(components, latent_channels))

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns Σ over cells of log Σ_c w_c N(z; μ_c, σ_c²)."""
        return mixture_log_prob(z, *self._components())

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        """Returns None: a mixture has no closed form."""
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns z, see :func:`vaezoo.core.mixture.mixture_draw`; for noise of zeros the mixture's mean."""
        return mixture_draw(eps, *self._components())

    def _components(self) -> tuple[Tensor, Tensor, Tensor]:
        return torch.log_softmax(self.weight_logits, 0), self.means, bound_logvar(self.raw_logvars)
