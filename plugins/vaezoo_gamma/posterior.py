"""The Gamma posterior, and sampling from a Gamma distribution with seeded noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core import Noise, Posterior

ROUNDS = 8
"""Number of proposals per sample. Each is rejected with probability below 0.05, hence all with below 1e-10."""
LOG_MIN = -30.0
"""Smallest log z of a sample. For a shape near 0 it could be below the range of fp32."""


class _Standard(torch.autograd.Function):
    """A sample of Gamma(shape, 1), with torch's implicit gradient with respect to the shape."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, drawn: Tensor, shape: Tensor) -> Tensor:
        ctx.save_for_backward(drawn, shape)
        return drawn.clone()

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> tuple[None, Tensor]:
        drawn, shape = ctx.saved_tensors  # type: ignore[attr-defined]
        return None, grads[0] * torch._standard_gamma_grad(shape, drawn)


def standard_gamma(shape: Tensor, eps: Tensor) -> Tensor:
    """Draws samples of Gamma(shape, 1), with the implicit gradient with respect to the shape.

    Args:
        shape: Shape in fp64, (...).
        eps: Standard normal noise in fp64, (..., 2·ROUNDS + 1).

    Source: A Simple Method for Generating Gamma Variables (Marsaglia and Tsang, 2000); gradient: Implicit
    Reparameterization Gradients (Figurnov et al., 2018), arXiv:1805.08498.
    """
    d = (shape.detach() + 1 - 1 / 3)[..., None]
    normal, uniform = eps[..., :ROUNDS], torch.special.ndtr(eps[..., ROUNDS : 2 * ROUNDS])
    v = (1 + normal / torch.sqrt(9 * d)) ** 3
    log_v = torch.log(v.clamp_min(1e-300))
    accepted = (v > 0) & (torch.log(uniform) < 0.5 * normal**2 + d - d * v + d * log_v)
    first = accepted.int().argmax(-1, keepdim=True)
    # Drawn for shape + 1 and multiplied by U^{1/shape}, so that shapes below 1 are right too.
    shrunk = torch.log(torch.special.ndtr(eps[..., -1])) / shape.detach()
    log_drawn = torch.log(d[..., 0]) + log_v.gather(-1, first)[..., 0] + shrunk
    drawn: Tensor = _Standard.apply(torch.exp(log_drawn.clamp_min(LOG_MIN)), shape)
    return drawn


@final
@dataclass(frozen=True)
class Gamma(Posterior):
    """Independent Gamma distributions, with density z^{a−1} exp(−b z) b^a / Γ(a) for z > 0.

    Args:
        shape: Shape a, (B, D) or (B, D, h, w).
        inverse: Inverse scale b, of the same shape.
    """

    shape: Tensor
    inverse: Tensor

    @property
    def mean(self) -> Tensor:
        """Expectation, a / b."""
        return self.shape / self.inverse

    def sample(
        self, k: int = 1, noise: Noise | None = None, *, stride: int = 1, level: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draws K samples per image; see :meth:`vaezoo.core.Posterior.sample`. At temperature 0 they are the mean."""
        noise = noise or Noise()
        if noise.temperature == 0:
            z = self.mean.expand(k, *self.mean.shape)
            return z, self.log_prob(z)
        batch, channels, *cells = self.shape.shape
        many = 2 * ROUNDS + 1
        eps = noise.normal((k, batch, channels * many, *cells), self.shape.detach().float(), level=level, stride=stride)
        eps = eps.double().unflatten(2, (channels, many)).movedim(3, -1)
        z = standard_gamma(self.shape.double().expand(eps.shape[:-1]), eps).float() / self.inverse.float()
        z = z.to(self.shape.dtype)
        return z, self.log_prob(z)

    def log_prob(self, z: Tensor) -> Tensor:
        """Returns the log density, summed over latents: (K, B, ...) to (K, B) nats."""
        z, a, b = z.float(), self.shape.float(), self.inverse.float()
        each = torch.xlogy(a, b) + torch.xlogy(a - 1, z) - b * z - torch.lgamma(a)
        return each.flatten(2).sum(2)

    def rate(self, shape: float, inverse: float) -> Tensor:
        """Returns KL to Gamma(shape, inverse), summed over latents, (B,) nats, never negative."""
        a, b = self.shape.float(), self.inverse.float()
        each = (a - shape) * torch.digamma(a) - torch.lgamma(a) + math.lgamma(shape)
        each = each + shape * (torch.log(b) - math.log(inverse)) + a * (inverse - b) / b
        return each.flatten(1).sum(1)


def gamma(raw: Tensor) -> Gamma:
    """Makes a belief of raw channels (B, 2·D, ...): log shape in (−3, 7) and log mean in (−7, 7), softly bounded."""
    log_shape, log_mean = raw.chunk(2, 1)
    shape = torch.exp(2 + 5 * torch.tanh((log_shape - 1) / 5))
    return Gamma(shape, shape * torch.exp(-7 * F.tanh(log_mean / 7)))
