"""Log-cosh: a pseudo-likelihood between squared and absolute error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch.nn.functional as F
from torch import Tensor

from vaezoo.core.likelihood.base import Likelihood, by_sample, cropped
from vaezoo.core.likelihood.kind import LikelihoodKind, corrected
from vaezoo.errors import ConfigError


@final
@dataclass(frozen=True)
class LogCosh(Likelihood):
    """−1/a · log cosh(a·(x − image)), summed over pixels: −a·e²/2 for small errors, −|e| for large ones.

    Args:
        image: Image (K·B, C, H, W).
        sharpness: Sharpness a.

    Source: Log Hyperbolic Cosine Loss Improves Variational Auto-Encoder (Chen et al., 2019), openreview rkglvsC9Ym.
    """

    normalised: ClassVar[bool] = False
    image: Tensor
    sharpness: float = 10.0

    @property
    def scale(self) -> None:
        """None, since it is no density."""
        return None

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns pseudo-nats; see :meth:`Likelihood.log_prob`."""
        error = (x.float() - by_sample(self.image, x)).abs()
        return -(error + (F.softplus(-2 * self.sharpness * error) - math.log(2)) / self.sharpness).flatten(2).sum(2)

    def crop(self, size: tuple[int, int]) -> LogCosh:
        """See :meth:`Likelihood.crop`."""
        return replace(self, image=cropped(self.image, size))


@final
class LogCoshKind(LikelihoodKind):
    """``log-cosh``: features are the image.

    Args:
        sharpness: Sharpness a, above 0.

    Raises:
        ConfigError: ``sharpness`` is not above 0.
    """

    gives = LogCosh

    def __init__(self, sharpness: float = 10.0) -> None:
        super().__init__()
        if not sharpness > 0:
            raise ConfigError(f"Expected a sharpness above 0, got {sharpness}.", value=sharpness)
        self.sharpness = sharpness

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> LogCosh:
        """See :meth:`LikelihoodKind.forward`."""
        return LogCosh(corrected(features, base), self.sharpness)
