"""A prior whose density is that of a second VAE, so that only a lower bound of it is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count, pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import Context, DiagonalGaussian, FlatPrior, Noise, ascend, bound_logvar
from vaezoo.core.facts import accepts_keywords

from .facts import TwoStagePriorConfig

START = -4.0
"""Initial log γ², before bounds. From 0, a fit does not use u for long. 600 steps on a parabola of width 0.1 ended at
−3.03 nats from 0 and at −1.66 from here; a Gaussian has −3.29."""


def dense(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Makes linear layers with SiLU between them."""
    layers: list[nn.Module] = []
    for narrow, wide in pairwise((inputs, *hidden)):
        layers += [nn.Linear(narrow, wide), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(hidden[-1], outputs))


def through(network: nn.Sequential, cells: Tensor) -> Tensor:
    """Runs a network on cells in fp32, whatever the type of its weights."""
    found: Tensor = network(cells.to(next(network.parameters()).dtype))
    return found.float()


@final
class TwoStagePrior(FlatPrior):
    """p(z) = ∫ p(z|u) N(u; 0, I) du, a VAE of z with as many latents u as z has. All cells of a grid have the same one.

        z ─► encoder ─► q(u|z) ─► u ─► decoder ─► p(z|u) = N(m(u)·s + m, diag γ²·s²)

    Its density has no closed form. In place of log p(z) there is a lower bound, with ``draws`` samples u_i of q(u|z):

        log 1/S Σ_i p(z|u_i) p(u_i) / q(u_i|z).

    The mean under the logarithm is an unbiased estimate of p(z), so all bounds remain bounds: the rate from above,
    `elbo` from below. An NLL with K samples is one with K samples of (z, u_1 … u_S), and below −log p(x) by chance
    only. `infer` takes the u_i from its noise. `log_prob`, which has no noise, takes fixed ones.

    s and m are 1 and 0, unless the prior was fitted to latents after training: then they are the standard deviation and
    mean of these.

    How it differs from the paper: the second VAE has dense layers without its skip connection and a width γ for each
    channel. If it is trained by a recipe instead of fitted, it is trained at the same time as the first.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Diagnosing and Enhancing VAE Models (Dai and Wipf, 2019), section 4, arXiv:1903.05789; the bound:
    Importance Weighted Autoencoders (Burda et al., 2015), arXiv:1509.00519.
    """

    shift: Tensor
    spread: Tensor

    @accepts_keywords(TwoStagePriorConfig)
    def __init__(self, config: TwoStagePriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.draws = config.draws
        self.noise_channels = 2 * config.latent_channels
        self.encoder = dense(config.latent_channels, config.hidden, 2 * config.latent_channels)
        self.decoder = dense(config.latent_channels, config.hidden[::-1], config.latent_channels)
        self.raw_logvar = nn.Parameter(torch.full((config.latent_channels,), START))
        self.register_buffer("shift", torch.zeros(config.latent_channels))
        self.register_buffer("spread", torch.ones(config.latent_channels))

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns a lower bound on log p(z), (K, B, D, ...) to (K, B) nats. Equal z give equal values anywhere."""
        return self._bound(z, self._own(z[:1, :1], Noise(seed=0), self.draws), self.draws)

    def weigh(self, z: Tensor, context: Context, noise: Noise) -> Tensor:
        """See :meth:`vaezoo.core.FlatPrior.weigh`."""
        return self._bound(z, self._own(z, noise, self.draws), self.draws)

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        """Returns None: the rate is the mean of log q − log p over samples, and at least KL(q‖p)."""
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns z from noise for u, followed by noise for z given u: (K, B, 2D, ...) to (K, B, D, ...)."""
        u, own = eps.float().movedim(2, -1).chunk(2, -1)
        cells = through(self.decoder, u) + torch.exp(0.5 * bound_logvar(self.raw_logvar.float())) * own
        return (cells * self.spread + self.shift).movedim(-1, 2).to(eps.dtype)

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """See :meth:`vaezoo.core.Prior.fit`: the bound with one sample, on latents scaled to mean 0 and variance 1."""
        cells = z.float().movedim(1, -1).flatten(0, -2)
        self.shift.copy_(cells.mean(0))
        self.spread.copy_(cells.std(0, correction=0).clamp_min(1e-6))
        step = count()

        def bound(rows: Tensor) -> Tensor:
            chosen = z[None, rows]
            return self._bound(chosen, self._own(chosen, Noise(seed=seed).at(next(step)), 1), 1)[0]

        return ascend(self, bound, len(z), steps, seed)

    def _own(self, z: Tensor, noise: Noise, draws: int) -> Tensor:
        """Returns noise (K, B, draws·D, ...) for u, different for each z."""
        shape = (*z.shape[:2], draws * z.shape[2], *z.shape[3:])
        # level 1, since the noise of level 0 made z, and u must depend on it through z only
        return noise.normal(shape, z, level=1, stride=self.latent_stride or 1)

    def _bound(self, z: Tensor, eps: Tensor, draws: int) -> Tensor:
        """Returns the bound, (K, B, D, ...) to (K, B) nats, with u from the given noise."""
        cells = ((z.float().movedim(2, -1) - self.shift) / self.spread)[None]  # (1, K, B, ..., D)
        mean, raw = through(self.encoder, cells).chunk(2, -1)
        logvar = bound_logvar(raw)
        eps = eps.float().unflatten(2, (draws, -1)).movedim(2, 0).movedim(3, -1)
        u = mean + torch.exp(0.5 * logvar) * eps
        width = bound_logvar(self.raw_logvar.float())
        left = (cells - through(self.decoder, u)) ** 2 * torch.exp(-width) + width + math.log(2 * math.pi)
        terms = -0.5 * (left + u**2 - eps**2 - logvar).sum(-1) - self.spread.log().sum()
        return torch.logsumexp(terms.flatten(3).sum(3) if terms.dim() > 3 else terms, 0) - math.log(draws)
