"""A linear-Gaussian VAE of two latents and four pixels: its likelihood and posterior are exact, its encoder is not."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Context, Decoder, DiagonalGaussian, Encoder, Gaussian, Likelihood, NormalPrior, Refinement

WEIGHT = torch.tensor([[0.9, 0.3], [0.7, 0.1], [0.2, 0.6], [0.1, 0.7]])
VARIANCE = 0.2
PRECISION = torch.eye(2) + WEIGHT.T @ WEIGHT / VARIANCE
"""Of the exact posterior."""


def exact_mean(x: Tensor) -> Tensor:
    """Returns the exact posterior's mean, (B, 2)."""
    return x.flatten(1) @ WEIGHT @ torch.linalg.inv(PRECISION) / VARIANCE


def log_likelihood(x: Tensor) -> Tensor:
    """Returns log p(x), (B,) nats."""
    covariance = WEIGHT @ WEIGHT.T + VARIANCE * torch.eye(4)
    return torch.distributions.MultivariateNormal(torch.zeros(4), covariance).log_prob(x.flatten(1))


@final
class LinearDecoder(Decoder):
    channels, size = 1, (2, 2)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        return Gaussian((state @ WEIGHT.T).view(-1, 1, 2, 2), torch.tensor(math.log(VARIANCE)))


@final
class RoughEncoder(Encoder):
    """A Gaussian beside the exact mean, of the wrong width."""

    channels, size = 1, (2, 2)

    def __init__(self, off: float = 0.3, logvar: float = -1.2) -> None:
        super().__init__()
        self.off, self.logvar = torch.nn.Parameter(torch.tensor(off)), torch.nn.Parameter(torch.tensor(logvar))

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        mean = exact_mean(image) + self.off
        return DiagonalGaussian(mean, self.logvar.expand_as(mean))


def linear_vae(refine: Refinement | None = None, **settings: float) -> VAE:
    encoder = RoughEncoder(**settings)
    return VAE(encoder=encoder, prior=NormalPrior(2), decoder=LinearDecoder(), refine=refine).eval()
