"""A ladder of latents: prior and posterior merge level by level, from coarse to fine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import cast, final

import torch
from torch import Tensor, nn

from ..errors import IncompatibleParts
from .context import Context
from .latents import Latents
from .noise import Noise
from .posterior import DiagonalGaussian, Posterior, Pyramid, kl
from .prior import Prior
from .shapes import repeat_rows


class Level(ABC, nn.Module):
    """One level of a ladder; its rows are K·B.

    Attributes:
        stride: Pixels per latent cell.
    """

    stride: int

    @abstractmethod
    def enter(self, state: Tensor | None, feature: Tensor | None) -> Tensor:
        """Returns the state at this scale, from the coarser level's (None at the top) and the context's feature."""

    @abstractmethod
    def prior(self, state: Tensor) -> DiagonalGaussian:
        """Returns p(z | coarser z, context)."""

    @abstractmethod
    def posterior(self, state: Tensor, evidence: Tensor, prior: DiagonalGaussian) -> DiagonalGaussian:
        """Returns q(z | coarser z, context, x)."""

    @abstractmethod
    def leave(self, state: Tensor, z: Tensor) -> Tensor:
        """Returns the state after z is put in."""


@final
class LadderPrior(Prior):
    """p(z | context) = Π p(z_l | coarser levels, context), and the posterior that walks down with it.

    ``infer`` and ``sample`` are one function, so a further sample costs the top-down pass only.

    Args:
        levels: Coarse to fine.
        top: Gives the state above the coarsest level, (rows, c, h, w) from ``(rows, size)``, where no feature of the
            context does: a ladder without a condition learns it.

    Source: Ladder Variational Autoencoders (Sønderby et al., 2016), arXiv:1602.02282.
    """

    def __init__(self, levels: Sequence[Level], top: nn.Module | None = None) -> None:
        super().__init__()
        self.levels, self.top = nn.ModuleList(levels), top

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`Prior.infer`; each level's rate is exact given the coarser samples, averaged over K.

        Raises:
            IncompatibleParts: The belief is not a pyramid with one feature a level.
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
        return self._descend(None, context, k, noise or Noise())

    def _descend(self, evidence: Pyramid | None, context: Context, k: int, noise: Noise) -> Latents:
        state: Tensor | None = None if self.top is None else self.top(k * context.batch, context.size)
        zs, rates, log_p, log_q = [], [], [], []
        for index, level in enumerate(cast("Iterable[Level]", self.levels)):
            feature = repeat_rows(context.features[index], k) if context.features else None
            state = level.enter(state, feature)
            p = level.prior(state)
            belief = p
            if evidence is not None:
                belief = level.posterior(state, repeat_rows(evidence.features[index], k), p)
                rates.append(kl(belief, p).view(k, -1).mean(0))
            batch = p.mean.shape[0] // k
            eps = noise.normal((k, batch, *p.mean.shape[1:]), p.mean, level=index, stride=level.stride).flatten(0, 1)
            z = belief.mean + torch.exp(0.5 * belief.logvar) * eps
            zs.append(z.view(k, batch, *z.shape[1:]))
            log_p.append(p.log_prob(z[None]).view(k, batch))
            if evidence is not None:
                log_q.append(belief.log_prob(z[None]).view(k, batch))
            state = level.leave(state, z)
        if state is None:
            raise IncompatibleParts("LadderPrior has no levels.", value=0)
        return Latents(
            tuple(zs),
            state,
            tuple(rates),
            torch.stack(log_p).sum(0),
            torch.stack(log_q).sum(0) if log_q else None,
        )
