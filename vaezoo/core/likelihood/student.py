"""Student's t: a Gaussian with heavier tails, which outliers affect less."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core.likelihood.base import Likelihood, by_sample, cropped
from vaezoo.core.likelihood.kind import LikelihoodKind, corrected, known
from vaezoo.errors import ConfigError


def log_gamma_step(nu: Tensor) -> Tensor:
    """Returns log Γ((ν+1)/2) − log Γ(ν/2). Above 20 it uses the series, since fp32 cannot subtract the two."""
    small, large = nu.clamp_max(20.0), nu.clamp_min(20.0)
    exact = torch.lgamma((small + 1) / 2) - torch.lgamma(small / 2)
    series = 0.5 * torch.log(large / 2) - 1 / (4 * large) + 1 / (24 * large**3)
    return torch.where(nu > 20, series, exact)


@final
@dataclass(frozen=True)
class StudentT(Likelihood):
    """Student's t per pixel.

    Args:
        image: Mean (K·B, C, H, W), for ν above 1.
        log_s: Logarithm of the scale s, broadcastable to the image. The standard deviation is s·√(ν/(ν−2)).
        nu: Degrees of freedom ν, broadcastable to the image.
    """

    image: Tensor
    log_s: Tensor
    nu: Tensor

    @property
    def scale(self) -> Tensor:
        """Standard deviation, of the image's shape; infinite for ν ≤ 2."""
        heavy = self.nu <= 2
        factor = torch.where(heavy, math.inf, self.nu / torch.where(heavy, 1.0, self.nu - 2)).sqrt()
        return (torch.exp(self.log_s) * factor).expand_as(self.image)

    def log_prob(self, x: Tensor) -> Tensor:
        """See :meth:`Likelihood.log_prob`."""
        mean = by_sample(self.image, x)
        log_s = self.log_s.float().expand_as(self.image).reshape(mean.shape)
        nu = self.nu.float().expand_as(self.image).reshape(mean.shape)
        error = (x.float() - mean) * torch.exp(-log_s)
        tails = 0.5 * (nu + 1) * torch.log1p(error**2 / nu)
        return (log_gamma_step(nu) - 0.5 * torch.log(math.pi * nu) - log_s - tails).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> StudentT:
        """See :meth:`Likelihood.crop`."""
        return StudentT(cropped(self.image, size), cropped(self.log_s, size), cropped(self.nu, size))


@final
class StudentTKind(LikelihoodKind):
    """``student-t``: features are the mean. As for all kinds, the scale is the standard deviation.

    Args:
        nu: Degrees of freedom of all pixels, or ``learned``. Above 2, since the standard deviation is infinite below.

    Raises:
        ConfigError: ``nu`` is neither a number above 2 nor ``learned``.
    """

    gives = StudentT
    scales = ("learned", "pixel")

    def __init__(self, nu: float | str = "learned") -> None:
        super().__init__()
        if nu != "learned" and (isinstance(nu, str) or not 2 < nu < math.inf):
            raise ConfigError(f"Expected nu as a number above 2, or 'learned', got {nu!r}.", value=nu)
        self.nu = nu
        self.raw_nu: nn.Parameter | None = None
        if nu == "learned":
            self.raw_nu = nn.Parameter(torch.tensor(3.0))

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> StudentT:
        """See :meth:`LikelihoodKind.forward`."""
        nu = features.new_tensor(self.nu).float() if self.raw_nu is None else 2.05 + F.softplus(self.raw_nu.float())
        shrink = 0.5 * torch.log((nu - 2) / nu)
        return StudentT(corrected(features, base), known(log_scale) + shrink, nu)
