"""A learned mixture of Gaussians as a prior."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core.beliefs.posterior import LOGVAR_MAX, LOGVAR_MIN, DiagonalGaussian, bound_logvar, unbound_logvar
from vaezoo.core.context import Context
from vaezoo.core.facts import accepts_keywords
from vaezoo.core.facts.builtin import MixturePriorConfig
from vaezoo.core.priors.densities import mixture_draw, mixture_log_prob
from vaezoo.core.priors.em import fit_mixture
from vaezoo.core.priors.prior import FlatPrior
from vaezoo.errors import ConfigError

MARGIN = 0.1
"""Distance of fitted log-variances from the ends of their range, which no finite raw number reaches."""


@final
class MixturePrior(FlatPrior):
    """A learned mixture of Gaussians, one for all cells.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(MixturePriorConfig)
    def __init__(self, config: MixturePriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.register_buffer("device_of", torch.zeros(()), persistent=False)
        self.weight_logits = nn.Parameter(torch.zeros(config.components))
        self.means = nn.Parameter(0.5 * torch.randn(config.components, config.latent_channels))
        self.raw_logvars = nn.Parameter(torch.zeros(config.components, config.latent_channels))
        full = (
            torch.zeros(config.components, config.latent_channels, config.latent_channels)
            if config.covariance == "full"
            else None
        )
        self.below = None if full is None else nn.Parameter(full)

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns Σ over cells of log Σ_c w_c N(z; μ_c, Σ_c)."""
        return mixture_log_prob(z, *self._components())

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        """Returns None, since a mixture has no closed form."""
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns z; see :func:`vaezoo.core.priors.densities.mixture_draw`. Noise of zeros gives the mixture's mean."""
        return mixture_draw(eps, *self._components())

    @torch.no_grad()
    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """See :meth:`Prior.fit`: by expectation-maximisation, see :func:`vaezoo.core.priors.em.fit_mixture`.

        Raises:
            ConfigError: There are fewer than two cells of latents per component, or their variance is too large.
        """
        cells = z.movedim(1, -1).flatten(0, -2)
        widest = float(cells.double().var(0, correction=0).max())
        if widest > math.exp(LOGVAR_MAX - MARGIN):
            raise ConfigError(
                f"Expected latents of a variance of at most {math.exp(LOGVAR_MAX - MARGIN):.0f}, got {widest:.4g}.",
                hint="Train the encoder with a penalty on its latents, or fit a flow.",
                value=widest,
            )
        found = fit_mixture(
            cells,
            len(self.means),
            full=self.below is not None,
            floor=math.exp(LOGVAR_MIN + MARGIN),
            ceiling=math.exp(LOGVAR_MAX - MARGIN),
            steps=200 if steps is None else steps,
            seed=seed,
        )
        self.weight_logits.copy_(found.weights.log())
        self.means.copy_(found.means)
        diagonal = found.factors.diagonal(dim1=-2, dim2=-1)
        self.raw_logvars.copy_(unbound_logvar(2 * diagonal.log()))
        if self.below is not None:
            self.below.copy_(found.factors.tril(-1))
        return tuple(each * len(cells) / len(z) for each in found.history)

    def _components(self) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        return torch.log_softmax(self.weight_logits, 0), self.means, bound_logvar(self.raw_logvars), self.below
