"""The prior slot: from evidence to the state of the decoder. `ladder` has the prior with several levels."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from vaezoo.core.beliefs.posterior import (
    DiagonalGaussian,
    Posterior,
    Pyramid,
)
from vaezoo.core.context import Context
from vaezoo.core.encoder import Encoder
from vaezoo.core.latents import Latents
from vaezoo.core.noise import Noise
from vaezoo.core.priors.ascent import ascend
from vaezoo.core.priors.axes import Axis, line, moved
from vaezoo.errors import IncompatibleParts

MARGIN = 0.1
"""Distance of fitted log-variances from the ends of their range, which no finite raw number reaches."""

DRAWS = 2**20
"""Largest number of values that quantiles are taken of."""


FORMER = {"lies": "geometry", "way": "interpolate"}
"""Former names of a prior's attributes, and their present names."""


class Prior(ABC, nn.Module):
    """p(z), with inference under it.

    Attributes:
        geometry: Where all latents lie, such as "on a sphere", if no coordinate can move alone and straight lines leave
            it. Otherwise empty.
    """

    geometry: ClassVar[str] = "in no space that it describes"

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Accepts the former attributes ``lies`` and ``way`` of older plugins, with a warning."""
        super().__init_subclass__(**keywords)
        for old, new in FORMER.items():
            if old in vars(cls) and new not in vars(cls):
                warnings.warn(f"vaezoo: {cls.__name__}.{old} is {new} now.", DeprecationWarning, stacklevel=2)
                setattr(cls, new, vars(cls)[old])

    def bind(self, encoder: Encoder) -> None:
        """Receives the model's encoder, once, when the model is put together. Most priors ignore it.

        A prior that keeps the encoder must put it into a tuple. As an attribute it would become a submodule, and its
        tensors would be in every file twice.
        """

    def meet(self, draw: Callable[[int], Tensor]) -> None:
        """Is called once, before the first step of a new training. Most priors ignore it.

        Args:
            draw: Function from a number N to N images (N, C, H, W) of the training data.
        """

    def adopt(self, old: Prior) -> None:
        """Takes over tensors of the same name and shape from the prior that it replaces in a model.

        So a codebook is kept, and a prior of the same kind continues from the old one.
        """
        own = self.state_dict()
        theirs = {n: t for n, t in old.state_dict().items() if n in own and own[n].shape == t.shape}
        self.load_state_dict(theirs, strict=False)

    def axes(self, z: tuple[Tensor, ...], level: int = 0) -> tuple[Axis, ...]:
        """Lists the axes along which latents of a level can be moved; see :meth:`move`.

        Args:
            z: Latents of this prior per level, (K, B, ...).
            level: Number of the level. 0 is the coarsest; most priors have no other.

        Raises:
            IncompatibleParts: The level does not exist, or no axis can be moved. The message says why.
        """
        raise IncompatibleParts(
            f"The latents of {type(self).__name__} lie {self.geometry}, where no coordinate can move alone.",
            hint="Draw samples, reconstructions or a map of the latents.",
            value=self.geometry,
        )

    def values_at(self, units: Tensor, channels: int, context: Context) -> Tensor:
        """Returns the coordinates at given numbers of standard deviations of N(0, 1): (T,) to (T, channels).

        For a prior that is not Gaussian, u stands for the quantile Φ(u).
        """
        return units[:, None].expand(-1, channels)

    def move(self, z: tuple[Tensor, ...], axis: Axis, values: Tensor, context: Context) -> Latents:
        """Returns the latents z with one axis changed.

        Args:
            z: Latents per level, (1, B, ...).
            axis: Axis, from :meth:`axes`.
            values: Values (T, channels): columns of :meth:`values_at`, or one-hot rows for an axis of classes.
            context: Context of B rows.

        Returns:
            Latents of T·B rows, with the index of the value slow.
        """
        found = moved(z[0], axis, values)
        return Latents((found,), found.flatten(0, 1))

    def between(
        self, start: tuple[Tensor, ...], end: tuple[Tensor, ...], shares: Tensor, context: Context, straight: bool
    ) -> Latents:
        """Interpolates between two points, along the prior's own path or a straight line.

        Args:
            start: Latents per level, (1, B, ...).
            end: Latents of the same shapes.
            shares: Fractions of the way, (T,): 0 at the start and 1 at the end.
            context: Context of B rows.
            straight: Whether to take the straight line.

        Returns:
            Latents of T·B rows, with the index of the fraction slow.

        Raises:
            IncompatibleParts: The prior has no such path.
        """
        raise IncompatibleParts(
            f"The latents of {type(self).__name__} lie {self.geometry}, and no path between them is known.",
            hint="Use a model with continuous latents.",
            value=self.geometry,
        )

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """Fits the prior to latents by maximum likelihood, in place; see :func:`vaezoo.fit_prior`.

        Args:
            z: Latents of N images, (N, D) or (N, D, h, w), finite. For codes: int64 (N, codebooks, h, w).
            context: Context of the N images.
            steps: Maximum number of steps. None means the prior's default.
            seed: Random seed of all draws.

        Returns:
            Mean log-likelihood of the latents after each step, in nats per image.

        Raises:
            IncompatibleParts: This prior cannot be fitted to latents alone.
        """
        raise IncompatibleParts(
            f"{type(self).__name__} cannot be fitted to latents.",
            hint="Fit a mixture or a flow.",
            value=type(self).__name__,
        )

    @abstractmethod
    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """Returns K posterior samples per image, with their rate."""

    @abstractmethod
    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """Returns K samples of p(z|context) for each of its B rows. Temperature 0 gives the centre of the prior."""


class FlatPrior(Prior):
    """A prior with a density over one group of latents.

    Attributes:
        latent_channels: Number of latent channels D.
        latent_stride: Pixels per cell of (B, D, h, w) latents; None for vectors (B, D).
        exact_for: Classes of posterior that :meth:`rate` has a closed form for.
        noise_channels: Number of channels of the noise for a sample; 0 means D.
    """

    exact_for: ClassVar[tuple[type[Posterior], ...]] = (DiagonalGaussian,)
    geometry: ClassVar[str] = ""
    latent_channels: int
    latent_stride: int | None
    noise_channels: int = 0

    @abstractmethod
    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns log p(z), (K, B, ...) to (K, B) nats."""

    def weigh(self, z: Tensor, context: Context, noise: Noise) -> Tensor:
        """Returns log p(z), or an unbiased estimate: log of a random number whose mean over the noise is p(z).

        With the estimate, a bound is still a bound, and importance weights stay valid. Shapes are those of
        ``log_prob``.
        """
        return self.log_prob(z, context)

    @abstractmethod
    def rate(self, posterior: DiagonalGaussian, context: Context) -> Tensor | None:
        """Returns KL(q‖p), (B,) nats, or None if there is no closed form."""

    @abstractmethod
    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns z from standard normal noise of the shape of z (K, B, ...), or with :attr:`noise_channels`."""

    def state(self, z: Tensor) -> Tensor:
        """Returns the decoder's input for z, (K, B, ...) to (K·B, ...). Usually this is z itself."""
        return z.flatten(0, 1)

    def interpolate(self, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
        """Interpolates between latents (B, ...) along this prior's own path, at fractions (T,): (T, B, ...)."""
        return line(start, end, shares)

    def values_at(self, units: Tensor, channels: int, context: Context) -> Tensor:
        """See :meth:`Prior.values_at`: quantiles Φ(u) of each channel's marginal, from 4096 draws and all cells."""
        drawn = self.sample(context, -(-4096 // context.batch), Noise(seed=0)).z[0].double()
        flat = drawn.movedim(2, -1).flatten(0, -2)[: DRAWS // channels + 1]
        return torch.quantile(flat, torch.special.ndtr(units.to(flat)), dim=0)

    def axes(self, z: tuple[Tensor, ...], level: int = 0) -> tuple[Axis, ...]:
        """See :meth:`Prior.axes`: one axis for each channel."""
        if self.geometry:
            return super().axes(z, level)
        if level:
            raise IncompatibleParts(f"{type(self).__name__} has one level, 0, got level {level}.", value=level)
        return tuple(Axis(f"z{channel}", (channel,)) for channel in range(self.latent_channels))

    def move(self, z: tuple[Tensor, ...], axis: Axis, values: Tensor, context: Context) -> Latents:
        """See :meth:`Prior.move`."""
        found = moved(z[0], axis, values)
        return Latents((found,), self.state(found), log_p=self.log_prob(found, context))

    def between(
        self, start: tuple[Tensor, ...], end: tuple[Tensor, ...], shares: Tensor, context: Context, straight: bool
    ) -> Latents:
        """See :meth:`Prior.between`."""
        if straight and self.geometry:
            raise IncompatibleParts(
                f"The latents of {type(self).__name__} lie {self.geometry}, which a straight line would leave.",
                hint="Use the prior's own path.",
                value=self.geometry,
            )
        z = (line if straight else self.interpolate)(start[0][0], end[0][0], shares)
        return Latents((z,), self.state(z), log_p=self.log_prob(z, context))

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`Prior.infer`. The rate is exact, or the mean of log q − log p over the K samples.

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
        log_p = self.weigh(z, context, noise or Noise())
        rate: tuple[Tensor, ...] = ()
        if log_q is not None:
            exact = self.rate(cast(Any, belief), context) if isinstance(belief, self.exact_for) else None
            rate = (exact if exact is not None else (log_q - log_p).mean(0),)
        return Latents((z,), self.state(z), rate, log_p, log_q)

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """See :meth:`Prior.fit`: by gradient ascent, 2000 steps by default. Some priors have a better way.

        Raises:
            IncompatibleParts: The prior has no parameters.
        """
        return ascend(self, lambda rows: self.log_prob(z[None, rows], context.rows(rows))[0], len(z), steps, seed)

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`Prior.sample`."""
        given = (context.image, context.vector, *self.parameters(), *self.buffers())
        like = next((t for t in given if t is not None), torch.zeros(()))
        grid = () if self.latent_stride is None else tuple(-(-s // self.latent_stride) for s in context.size)
        shape = (k, context.batch, self.noise_channels or self.latent_channels, *grid)
        eps = (noise or Noise()).normal(shape, like, stride=self.latent_stride or 1)
        z = self.draw(eps, context)
        return Latents((z,), self.state(z), log_p=self.log_prob(z, context))
