"""Noise as a mixture of Gaussians that depends on the signal, fitted to pairs of pixels."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import bound_logvar, gaussian_log_prob
from vaezoo.errors import ConfigError

from .tables import check_pairs


@final
class MixtureNoise(nn.Module):
    """p(y|s) = Σ_k w_k(s)·N(y; s + m_k(s), σ_k(s)²), with logits, offsets and log-variances polynomial in s.

    It starts as a Gaussian. :func:`fit_mixture` fits it to pairs, and training a model does not change it.

    Args:
        components: Number K of components.
        degree: Degree of the polynomials.
        sigma: Width of the initial Gaussian.
        centred: Whether the mean of y is the signal, so that Σ_k w_k·m_k = 0.

    Raises:
        ConfigError: ``components`` is below 1, ``degree`` is negative, or ``sigma`` is not above 0.

    Source: Fully Unsupervised Probabilistic Noise2Void (Prakash et al., 2020),
    arXiv:1911.12291; DivNoising, arXiv:2006.06072.
    """

    def __init__(self, components: int = 3, degree: int = 2, sigma: float = 0.2, centred: bool = True) -> None:
        super().__init__()
        if components < 1 or degree < 0 or not sigma > 0:
            raise ConfigError(
                f"Expected a component, a degree of at least 0 and a sigma above 0, got {components}, {degree}, "
                f"{sigma}.",
                value=(components, degree, sigma),
            )
        self.centred = centred
        start = torch.zeros(3, components, degree + 1)
        start[2, :, 0] = 2 * math.log(sigma)
        self.polynomials: Tensor
        self.register_buffer("polynomials", start)

    def log_density(self, y: Tensor, signal: Tensor, polynomials: Tensor | None = None) -> Tensor:
        """See :meth:`vaezoo_noise.noises.Density.log_density`. ``polynomials`` replace its own during a fit."""
        given = (self.polynomials if polynomials is None else polynomials).float()
        s = signal.float()
        place = 2 * s.clamp(-0.5, 1.5) - 1
        powers = torch.stack([place**n for n in range(given.shape[2])], -1)
        logits, offset, raw = torch.einsum("...n,akn->a...k", powers, given)
        shares = torch.log_softmax(logits, -1)
        if self.centred:
            offset = offset - (shares.exp() * offset).sum(-1, keepdim=True)
        logvar = bound_logvar(raw, -14.0, 4.0)
        return torch.logsumexp(shares + gaussian_log_prob(y.float()[..., None], s[..., None] + offset, logvar), -1)


def fit_mixture(
    y: Tensor,
    signal: Tensor,
    components: int = 3,
    degree: int = 2,
    *,
    centred: bool = True,
    steps: int = 500,
    batch: int = 4096,
    seed: int = 0,
) -> MixtureNoise:
    """Fits a mixture to pairs by maximum likelihood, with Adam.

    Args:
        y: Noisy pixels, of any shape.
        signal: Clean pixels of the same shape: photographed, or estimated by denoising (bootstrapping).
        components: Number of components; see :class:`MixtureNoise`.
        degree: Degree of the polynomials; see :class:`MixtureNoise`.
        centred: Whether the noise has mean 0; see :class:`MixtureNoise`.
        steps: Number of steps of Adam.
        batch: Number of pixels per step.
        seed: Random seed of the initialisation and of the choice of pixels.

    Raises:
        ShapeError: The shapes differ, or there are no pixels.
    """
    check_pairs(y, signal)
    y, signal = y.detach().float().flatten().cpu(), signal.detach().float().flatten().cpu()
    generator, error = torch.Generator().manual_seed(seed), (y - signal)
    spread = max(float(error.std()), 1e-3)
    noise = MixtureNoise(components, degree, spread, centred)
    free = noise.polynomials.clone()
    free[1, :, 0] = spread * torch.linspace(-0.5, 0.5, components) if components > 1 else 0.0
    free[2, :, 0] += torch.linspace(-1.0, 1.0, components) if components > 1 else 0.0
    free.requires_grad_()
    optimiser = torch.optim.Adam([free], lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        rows = torch.randint(len(y), (min(batch, len(y)),), generator=generator)
        optimiser.zero_grad()
        (-noise.log_density(y[rows], signal[rows], free).mean()).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        noise.polynomials.copy_(free)
    return noise
