"""A linear-Gaussian model, x = W z + noise, whose bound and likelihood are known exactly.

Its encoder is the exact posterior, so ELBO and NLL agree: −log N(x; 0, W Wᵀ + s²·I).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaezoo.core import VAE, Context, Decoder, DiagonalGaussian, Encoder, Gaussian, Likelihood, NormalPrior

SIDE, LOGVAR = 2, math.log(0.25)


def weight() -> Tensor:
    """Two orthogonal columns, (4, 2), so that the posterior is diagonal; the second is nearly unused."""
    return torch.tensor([[0.6, 0.01], [0.6, -0.01], [0.6, 0.01], [0.6, -0.01]])


class LinearEncoder(Encoder):
    channels, size = 1, (SIDE, SIDE)

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        variance = 1 / (1 + weight().square().sum(0) / math.exp(LOGVAR))
        mean = (image.flatten(1) @ weight()) / math.exp(LOGVAR) * variance
        return DiagonalGaussian(mean, variance.log().expand_as(mean))


class LinearDecoder(Decoder):
    channels, size = 1, (SIDE, SIDE)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        return Gaussian((state @ weight().T).view(-1, 1, SIDE, SIDE), torch.tensor(LOGVAR))


def model() -> VAE:
    return VAE(encoder=LinearEncoder(), prior=NormalPrior(2), decoder=LinearDecoder()).eval()


def exact_nll(x: Tensor) -> Tensor:
    """−log p(x) in nats, (N,)."""
    covariance = weight() @ weight().T + math.exp(LOGVAR) * torch.eye(4)
    return -torch.distributions.MultivariateNormal(torch.zeros(4), covariance).log_prob(x.flatten(1))
