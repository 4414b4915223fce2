"""A ladder prior: several levels of latents, in which prior and posterior are joined from coarse to fine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import cast, final

import torch
from torch import Tensor, nn

from vaezoo.core.beliefs.posterior import DiagonalGaussian, Posterior, Pyramid, kl
from vaezoo.core.context import Context
from vaezoo.core.latents import Latents
from vaezoo.core.modulation import modulated
from vaezoo.core.noise import Noise
from vaezoo.core.priors.axes import Axis, line, moved, slerp
from vaezoo.core.priors.prior import Prior
from vaezoo.core.shapes import repeat_rows
from vaezoo.errors import IncompatibleParts


class Level(ABC, nn.Module):
    """One level of a ladder. Its rows are K·B.

    Attributes:
        stride: Pixels per latent cell.
    """

    stride: int

    @abstractmethod
    def enter(self, state: Tensor | None, feature: Tensor | None) -> Tensor:
        """Returns the state at this scale, from the state of the coarser level (None at the top) and the context."""

    @abstractmethod
    def prior(self, state: Tensor) -> DiagonalGaussian:
        """Returns p(z | coarser z, context)."""

    @abstractmethod
    def posterior(self, state: Tensor, evidence: Tensor, prior: DiagonalGaussian) -> DiagonalGaussian:
        """Returns q(z | coarser z, context, x)."""

    @abstractmethod
    def leave(self, state: Tensor, z: Tensor) -> Tensor:
        """Returns the state after z is added to it."""


@final
class LadderPrior(Prior):
    """p(z | context) = Π p(z_l | coarser levels, context), with a posterior that runs down the same levels.

    ``infer`` and ``sample`` share one function, so a further sample costs only the top-down pass.

    Args:
        levels: Levels, coarse to fine.
        top: Module from ``(rows, size)`` to the state above the coarsest level, (rows, c, h, w). Used where the context
            has no features: a ladder without a condition learns it.
        detail: Detail branch, ``detail(state, eps)`` of the last state and the last level's noise, both (K·B, ...). It
            must be zero for zero noise. Only ``sample`` adds it: mean path, posterior and bound are unchanged.
        told: Modulation layer for each level, ``layer(state, vector)``, by which the context's vector changes the state
            on entry. Empty for none. See `vaezoo.core.modulation`.

    Source: Ladder Variational Autoencoders (Sønderby et al., 2016), arXiv:1602.02282.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        top: nn.Module | None = None,
        detail: nn.Module | None = None,
        told: Iterable[nn.Module] = (),
    ) -> None:
        super().__init__()
        self.levels, self.top, self.detail, self.told = nn.ModuleList(levels), top, detail, nn.ModuleList(told)

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`Prior.infer`. Each level's rate is exact given the coarser samples, and averaged over K.

        Raises:
            IncompatibleParts: The belief is not a pyramid with one feature map per level.
        """
        if not isinstance(belief, Pyramid) or len(belief.features) != len(self.levels):
            came = f"{len(belief.features)} features" if isinstance(belief, Pyramid) else type(belief).__name__
            raise IncompatibleParts(
                f"LadderPrior takes a pyramid of {len(self.levels)} features, but the encoder gives {came}.",
                value=came,
            )
        return self._descend(belief, context, k, noise or Noise())

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`Prior.sample`."""
        return self._descend(None, context, k, noise or Noise(), detail=self.detail)

    def axes(self, z: tuple[Tensor, ...], level: int = 0) -> tuple[Axis, ...]:
        """See :meth:`Prior.axes`: one axis for each channel of the level. Level 0 is the coarsest.

        Positions are in standard deviations of the level's prior given the coarser levels. Finer levels keep theirs
        when a level is moved, so they follow it.
        """
        if not 0 <= level < len(self.levels):
            raise IncompatibleParts(
                f"This ladder has levels 0 to {len(self.levels) - 1}, coarse to fine, got level {level}.", value=level
            )
        return tuple(Axis(f"z{channel}", (channel,), level) for channel in range(z[level].shape[2]))

    def move(self, z: tuple[Tensor, ...], axis: Axis, values: Tensor, context: Context) -> Latents:
        """See :meth:`Prior.move`."""
        units = list(self.units(z, context))
        there = moved(units[axis.level], axis, values)
        every = [each.expand(len(values), *each.shape[1:]) for each in units]
        every[axis.level] = there
        return self._descend(None, context, len(values), Noise(), every)

    def between(
        self, start: tuple[Tensor, ...], end: tuple[Tensor, ...], shares: Tensor, context: Context, straight: bool
    ) -> Latents:
        """See :meth:`Prior.between`.

        Each level is interpolated in standard deviations of its prior; see :meth:`axes`.
        """
        pairs = zip(self.units(start, context), self.units(end, context), strict=True)
        ways = [(line if straight else slerp)(a[0], b[0], shares) for a, b in pairs]
        return self._descend(None, context, len(shares), Noise(), ways)

    def units(self, z: Sequence[Tensor], context: Context) -> tuple[Tensor, ...]:
        """Returns (z_l − μ_l) / σ_l under the priors given the coarser levels, each (1, B, ...) like z."""
        state: Tensor | None = None if self.top is None else self.top(context.batch, context.size)
        found = []
        for index, level in enumerate(cast("Iterable[Level]", self.levels)):
            state = level.enter(state, context.features[index] if context.features else None)
            state = modulated(self.told, index, state, context.vector)
            p = level.prior(state)
            found.append(((z[index][0] - p.mean) * torch.exp(-0.5 * p.logvar))[None])
            state = level.leave(state, z[index][0])
        return tuple(found)

    def _descend(
        self,
        evidence: Pyramid | None,
        context: Context,
        k: int,
        noise: Noise,
        units: Sequence[Tensor] | None = None,
        detail: nn.Module | None = None,
    ) -> Latents:
        state: Tensor | None = None if self.top is None else self.top(k * context.batch, context.size)
        vector = None if context.vector is None else repeat_rows(context.vector, k)
        eps: Tensor | None = None
        zs, rates, log_p, log_q = [], [], [], []
        for index, level in enumerate(cast("Iterable[Level]", self.levels)):
            feature = repeat_rows(context.features[index], k) if context.features else None
            state = modulated(self.told, index, level.enter(state, feature), vector)
            p = level.prior(state)
            belief = p
            if evidence is not None:
                belief = level.posterior(state, repeat_rows(evidence.features[index], k), p)
                rates.append(kl(belief, p).view(k, -1).mean(0))
            batch = p.mean.shape[0] // k
            shape = (k, batch, *p.mean.shape[1:])
            given = units[index] if units else noise.normal(shape, p.mean, level=index, stride=level.stride)
            eps = given.flatten(0, 1)
            z = belief.mean + torch.exp(0.5 * belief.logvar) * eps
            zs.append(z.view(k, batch, *z.shape[1:]))
            log_p.append(p.log_prob(z[None]).view(k, batch))
            if evidence is not None:
                log_q.append(belief.log_prob(z[None]).view(k, batch))
            state = level.leave(state, z)
        if state is None:
            raise IncompatibleParts("LadderPrior has no levels.", value=0)
        if detail is not None and noise.temperature:
            state = state + detail(state, eps)
        return Latents(
            tuple(zs),
            state,
            tuple(rates),
            torch.stack(log_p).sum(0),
            torch.stack(log_q).sum(0) if log_q else None,
        )
