"""The smallest parts there are: a linear-Gaussian VAE, whose log p(x) is known exactly."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from vaezoo.core import VAE, Context, Decoder, DiagonalGaussian, Encoder, Gaussian, Likelihood, NormalPrior

PIXELS, LATENTS, NOISE = 6, 2, 0.3
SIZE = (2, 3)


def loading() -> Tensor:
    """Returns W (pixels, latents) with orthogonal columns, so that the exact posterior is diagonal."""
    w = torch.linalg.qr(torch.randn(PIXELS, LATENTS, generator=torch.Generator().manual_seed(3))).Q
    return w * torch.tensor([0.8, 0.5])


@final
class LinearEncoder(Encoder):
    """q(z|x), exact where ``shift`` is 0 and ``widen`` is 1."""

    def __init__(self, shift: float = 0.0, widen: float = 1.0) -> None:
        super().__init__()
        self.channels, self.size = 1, SIZE
        self.shift, self.widen = shift, widen
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        """Returns N(M⁻¹ Wᵀ x, σ² M⁻¹) with M = WᵀW + σ²I, moved and widened."""
        w = loading()
        m = (w**2).sum(0) + NOISE**2
        mean = image.flatten(1) @ w / m * self.gain + self.shift
        return DiagonalGaussian(mean, torch.log(self.widen * NOISE**2 / m).expand_as(mean))


@final
class LinearDecoder(Decoder):
    """N(Wz, σ²)."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.size = 1, SIZE

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`."""
        return Gaussian((state @ loading().T).view(-1, 1, *SIZE), torch.tensor(NOISE).log() * 2)


def linear_vae(shift: float = 0.0, widen: float = 1.0) -> VAE:
    """Returns the model, in evaluation mode."""
    return VAE(encoder=LinearEncoder(shift, widen), prior=NormalPrior(LATENTS), decoder=LinearDecoder()).eval()


def evidence() -> MultivariateNormal:
    """Returns p(x) = N(0, WWᵀ + σ²I)."""
    w = loading()
    return MultivariateNormal(torch.zeros(PIXELS), w @ w.T + NOISE**2 * torch.eye(PIXELS))
