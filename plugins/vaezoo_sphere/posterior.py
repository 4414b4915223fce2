"""The von Mises-Fisher posterior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core import Noise, Posterior

from .quadrature import cosine_slope, log_integral, mean_cosine

ROUNDS = 24
"""Number of proposals per sample.

At least 0.65 are accepted for κ up to 1e5 and m from 2 to 784; all 24 fail by 1e-9.
"""
KAPPA_MIN, KAPPA_MAX = 1e-3, 1e5


def log_area(dimensions: int) -> float:
    """Returns the log area of the unit sphere in R^m, 2 π^{m/2} / Γ(m/2)."""
    return math.log(2) + dimensions / 2 * math.log(math.pi) - math.lgamma(dimensions / 2)


class _Cosine(torch.autograd.Function):
    """Cosine of a random angle, with the implicit gradient with respect to the concentration."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, theta: Tensor, kappa: Tensor, dimensions: int) -> Tensor:
        ctx.save_for_backward(theta, kappa)
        ctx.dimensions = dimensions  # type: ignore[attr-defined]
        return torch.cos(theta)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> tuple[None, Tensor, None]:
        theta, kappa = ctx.saved_tensors  # type: ignore[attr-defined]
        return None, grads[0] * cosine_slope(theta, kappa, ctx.dimensions), None  # type: ignore[attr-defined]


@final
@dataclass(frozen=True)
class VonMisesFisher(Posterior):
    """q(z|x) ∝ exp(κ μᵀz) on the unit sphere of each cell. Densities are with respect to its area.

    A sample's cosine with μ is drawn by Ulrich's rejection. A uniform tangent direction is added, and a Householder
    reflection turns the result. The gradient is implicit. So it is unbiased without the paper's score-function term,
    which would need the loss.

    Args:
        mean: Mean directions μ, unit vectors, (B, D) or (B, D, h, w).
        kappa: Concentrations κ > 0, (B, 1) or (B, 1, h, w).

    Source: Hyperspherical Variational Auto-Encoders (Davidson et al., 2018), section 3 and algorithm 1,
    arXiv:1804.00891; rejection: Computer Generation of Distributions on the M-Sphere (Ulrich, 1984), and Simulation of
    the von Mises Fisher Distribution (Wood, 1994).
    """

    mean: Tensor
    kappa: Tensor

    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draws K points per image; see :meth:`vaezoo.core.Posterior.sample`. At temperature 0 they are μ."""
        noise = noise or Noise()
        batch, channels, *cells = self.mean.shape
        if noise.temperature == 0:
            z = self.mean.expand(k, *self.mean.shape)
            return z, self.log_prob(z)
        # One field of noise for all that a sample needs: ROUNDS proposals of D + 1 numbers, and a tangent direction.
        wide = (ROUNDS + 1) * (channels + 1)
        eps = noise.normal((k, batch, wide, *cells), self.mean.detach(), level=level, stride=stride)
        eps = eps.double().movedim(2, -1).unflatten(-1, (ROUNDS + 1, channels + 1))
        kappa = self.kappa.double().movedim(1, -1)[..., 0].expand(eps.shape[:-2])
        theta = self._angle(eps[..., :-1, :], kappa.detach())
        cosine: Tensor = _Cosine.apply(theta, kappa, channels)
        tangent = F.normalize(eps[..., -1, 1:channels], dim=-1)
        sine = torch.sqrt((1 - cosine**2).clamp_min(1e-20))
        aside = torch.cat([cosine[..., None], sine[..., None] * tangent], -1)
        z = self._turned(aside).movedim(-1, 2).to(self.mean.dtype)
        return z, self.log_prob(z)

    def _angle(self, eps: Tensor, kappa: Tensor) -> Tensor:
        """Returns the angles of the first accepted proposals, (K, B, ..., ROUNDS, D + 1) to (K, B, ...)."""
        channels = eps.shape[-1] - 1
        # The first coordinate of a uniform direction, moved to [0, 1], has the Beta distribution of Ulrich's proposals.
        beta = (1 + F.normalize(eps[..., :channels], dim=-1)[..., 0]) / 2
        kappa = kappa[..., None]
        root = torch.sqrt(4 * kappa**2 + (channels - 1) ** 2)
        b = (channels - 1) / (root + 2 * kappa)
        least = 1 - (1 - b) * beta
        one_less = 2 * b * beta / least  # 1 − cos θ, without cancellation near 0
        # With x0 = (1−b)/(1+b): log acceptance = κ (w − x0) + (m−1) [ log(1 − x0 w) − log(1 − x0²) ].
        x0 = (1 - b) / (1 + b)
        cosine = 1 - one_less
        log_accept = kappa * (cosine - x0) + (channels - 1) * (torch.log1p(-x0 * cosine) - torch.log1p(-(x0**2)))
        accepted = torch.log(torch.special.ndtr(eps[..., channels])) <= log_accept
        first = accepted.int().argmax(-1, keepdim=True)
        return 2 * torch.asin(torch.sqrt(one_less.gather(-1, first)[..., 0].clamp(1e-20, 2) / 2).clamp_max(1))

    def _turned(self, aside: Tensor) -> Tensor:
        """Reflects the first axis onto μ, (K, B, ..., D) to the same."""
        mean = F.normalize(self.mean.double().movedim(1, -1), dim=-1)
        first = torch.zeros_like(mean)
        first[..., 0] = 1
        normal = first - mean
        normal = normal / normal.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        return aside - 2 * (aside * normal).sum(-1, keepdim=True) * normal

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns κ (μᵀz − 1) minus the log normaliser, with respect to area: (K, B, ...) to (K, B) nats."""
        # μᵀz − 1 = −½ ‖z − μ‖² on the sphere; rounded points are first moved onto it.
        apart = ((F.normalize(z.double(), dim=2) - F.normalize(self.mean.double(), dim=1)) ** 2).sum(2)
        kappa = self.kappa.double()[:, 0]
        return (-0.5 * kappa * apart - self._log_normaliser())[:, :, None].flatten(2).sum(2).float()

    def rate(self) -> Tensor:
        """Returns KL to the uniform distribution on the sphere, κ (A(κ) − 1) − log Z + log area, (B,) nats."""
        kappa, channels = self.kappa.double()[:, 0], self.mean.shape[1]
        each = kappa * (mean_cosine(kappa, channels) - 1) - self._log_normaliser() + log_area(channels)
        return each[:, None].flatten(1).sum(1).float()

    def _log_normaliser(self) -> Tensor:
        """Returns log ∫ exp(κ (μᵀz − 1)) dz, (B, ...)."""
        channels = self.mean.shape[1]
        return log_integral(self.kappa.double()[:, 0], channels) + log_area(channels - 1)


def von_mises_fisher(raw: Tensor) -> VonMisesFisher:
    """Makes a belief of raw channels (B, D + 1, ...): a direction, and κ = softplus + 1 within bounds."""
    direction, concentration = raw[:, :-1], raw[:, -1:]
    kappa = (F.softplus(concentration.float()) + 1).clamp(KAPPA_MIN, KAPPA_MAX)
    return VonMisesFisher(F.normalize(direction.float(), dim=1).to(raw.dtype), kappa)
