"""The prior slot: everything from evidence to the decoder's state. Ladders are in ``ladder``."""

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
"""How far fitted log-variances keep from the ends of their range, which no finite raw number reaches."""

DRAWS = 2**20
"""At most so many numbers have their quantiles taken."""


FORMER = {"lies": "geometry", "way": "interpolate"}
"""What priors called their attributes before, and today's names."""


class Prior(ABC, nn.Module):
    """p(z), and how to infer under it.

    Attributes:
        geometry: Where all latents lie, such as "on a sphere", if no coordinate can move alone there and straight lines
            leave it; else empty.
    """

    geometry: ClassVar[str] = "in no space that it describes"

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Takes what a prior of an older plugin calls ``lies`` and ``way`` by today's names, with a warning."""
        super().__init_subclass__(**keywords)
        for old, new in FORMER.items():
            if old in vars(cls) and new not in vars(cls):
                warnings.warn(f"vaezoo: {cls.__name__}.{old} is {new} now.", DeprecationWarning, stacklevel=2)
                setattr(cls, new, vars(cls)[old])

    def bind(self, encoder: Encoder) -> None:
        """Shows the prior the model's encoder, once, when the model is put together; most priors need none.

        One that does keeps it in a tuple: an attribute would be a submodule, and its tensors twice in every file.
        """

    def meet(self, draw: Callable[[int], Tensor]) -> None:
        """Is called once, before the first step of a training from the start; most priors need nothing of it.

        Args:
            draw: From N to N images (N, C, H, W) of the training data.
        """

    def adopt(self, old: Prior) -> None:
        """Takes over what the prior of the same model that it replaces has and it has too: tensors of the same name.

        So a codebook stays, and a prior of the same kind starts where the old one was.
        """
        own = self.state_dict()
        theirs = {n: t for n, t in old.state_dict().items() if n in own and own[n].shape == t.shape}
        self.load_state_dict(theirs, strict=False)

    def axes(self, z: tuple[Tensor, ...], level: int = 0) -> tuple[Axis, ...]:
        """Returns what of a level's latents can be moved alone; see :meth:`move`.

        Args:
            z: Latents of this prior, per level, (K, B, ...).
            level: 0 is the coarsest, and the only one of most priors.

        Raises:
            IncompatibleParts: Nothing can, or there is no such level; the message says why.
        """
        raise IncompatibleParts(
            f"The latents of {type(self).__name__} lie {self.geometry}, where no coordinate can move alone.",
            hint="Draw samples, reconstructions or a map of the latents.",
            value=self.geometry,
        )

    def values_at(self, units: Tensor, channels: int, context: Context) -> Tensor:
        """Returns where a coordinate is at so many standard deviations, (T,) to (T, channels): there, of N(0, 1).

        Under a prior that is no Gaussian, u stands for the quantile Φ(u).
        """
        return units[:, None].expand(-1, channels)

    def move(self, z: tuple[Tensor, ...], axis: Axis, values: Tensor, context: Context) -> Latents:
        """Returns latents that are z but for one axis.

        Args:
            z: Per level, (1, B, ...).
            axis: One of :meth:`axes`.
            values: (T, channels), columns of :meth:`values_at`, or one-hot rows for an axis of classes.
            context: Of B rows.

        Returns:
            T·B rows, the value slow.
        """
        found = moved(z[0], axis, values)
        return Latents((found,), found.flatten(0, 1))

    def between(
        self, start: tuple[Tensor, ...], end: tuple[Tensor, ...], shares: Tensor, context: Context, straight: bool
    ) -> Latents:
        """Returns latents on the way from one to another: on the prior's own one, or on the straight line.

        Args:
            start: Per level, (1, B, ...).
            end: Of the same shapes.
            shares: Of the way, (T,), 0 at the start and 1 at the end.
            context: Of B rows.
            straight: Whether to take the line.

        Returns:
            T·B rows, the share slow.

        Raises:
            IncompatibleParts: There is no such way.
        """
        raise IncompatibleParts(
            f"The latents of {type(self).__name__} lie {self.geometry}, and no way is known from one to another.",
            hint="Take a model with continuous latents.",
            value=self.geometry,
        )

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """Fits the prior to latents by maximum likelihood, in place; see :func:`vaezoo.fit_prior`.

        Args:
            z: Latents of N images, (N, D) or (N, D, h, w), finite; where they are codes, those, int64
                (N, codebooks, h, w).
            context: Of those N images.
            steps: At most so many; what is usual for the prior where None.
            seed: Of all draws.

        Returns:
            Mean log-likelihood of the latents in the course of it, nats per image.

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
        noise_channels: Of the noise of a draw; 0 where they are D.
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
        """Returns log p(z), or of a prior that cannot say it the logarithm of what the mean over noise is p(z) of.

        So a bound made of it is one still, and importance weights stay weights; see ``log_prob`` for the shapes.
        """
        return self.log_prob(z, context)

    @abstractmethod
    def rate(self, posterior: DiagonalGaussian, context: Context) -> Tensor | None:
        """Returns KL(q‖p), (B,) nats, where a closed form exists, else None."""

    @abstractmethod
    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns z from standard normal noise of its shape (K, B, ...), or of :attr:`noise_channels`."""

    def state(self, z: Tensor) -> Tensor:
        """Returns what the decoder sees of z, (K, B, ...) to (K·B, ...): z itself, unless a prior knows better."""
        return z.flatten(0, 1)

    def interpolate(self, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
        """Returns points on this prior's own way between latents (B, ...), at shares (T,) of it: (T, B, ...)."""
        return line(start, end, shares)

    def values_at(self, units: Tensor, channels: int, context: Context) -> Tensor:
        """See :meth:`Prior.values_at`: the quantiles Φ(u) of each marginal law, of 4096 draws and all cells."""
        drawn = self.sample(context, -(-4096 // context.batch), Noise(seed=0)).z[0].double()
        flat = drawn.movedim(2, -1).flatten(0, -2)[: DRAWS // channels + 1]
        return torch.quantile(flat, torch.special.ndtr(units.to(flat)), dim=0)

    def axes(self, z: tuple[Tensor, ...], level: int = 0) -> tuple[Axis, ...]:
        """See :meth:`Prior.axes`: one for each channel."""
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
                f"The latents of {type(self).__name__} lie {self.geometry}, and a straight line does not.",
                hint="Take the prior's own way.",
                value=self.geometry,
            )
        z = (line if straight else self.interpolate)(start[0][0], end[0][0], shares)
        return Latents((z,), self.state(z), log_p=self.log_prob(z, context))

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
        log_p = self.weigh(z, context, noise or Noise())
        rate: tuple[Tensor, ...] = ()
        if log_q is not None:
            exact = self.rate(cast(Any, belief), context) if isinstance(belief, self.exact_for) else None
            rate = (exact if exact is not None else (log_q - log_p).mean(0),)
        return Latents((z,), self.state(z), rate, log_p, log_q)

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """See :meth:`Prior.fit`: by gradient, 2000 steps where None, unless a prior knows better.

        Raises:
            IncompatibleParts: It has nothing to learn.
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
