"""Noises as kinds of likelihood: ``decoder.likelihood="vaezoo_noise.kinds:PoissonGaussianKind(gain=0.02)"``."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import LikelihoodKind, corrected, known
from vaezoo.errors import ConfigError, IncompatibleParts

from .mixtures import MixtureNoise
from .noises import GaussianNoise, Noisy, PoissonGaussianNoise
from .tables import HistogramNoise


@final
class GaussianNoiseKind(LikelihoodKind):
    """Features are the clean signal. The head's scale is σ: a number if the noise is known, or ``learned``."""

    gives = Noisy
    scales = ("learned",)

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Noisy:
        """See :meth:`vaezoo.core.LikelihoodKind.forward`."""
        return Noisy(corrected(features, base), GaussianNoise(known(log_scale)))


@final
class PoissonGaussianKind(LikelihoodKind):
    """Features are the clean signal. The variance is a·s + b.

    Args:
        gain: Gain a, if known; otherwise ``learned``.
        floor: Constant variance b, if known; otherwise ``learned``.

    Raises:
        ConfigError: A value is neither a number above 0 nor ``learned``.
    """

    gives = Noisy
    log_gain: Tensor
    log_floor: Tensor

    def __init__(self, gain: float | str = "learned", floor: float | str = "learned") -> None:
        super().__init__()
        for name, value in (("gain", gain), ("floor", floor)):
            if value != "learned" and (isinstance(value, str) or not value > 0):
                raise ConfigError(f"Expected {name} as a number above 0, or 'learned', got {value!r}.", value=value)
            start = torch.tensor(math.log(0.01 if isinstance(value, str) else value))
            if value == "learned":
                self.register_parameter(f"log_{name}", nn.Parameter(start))
            else:
                self.register_buffer(f"log_{name}", start)

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Noisy:
        """See :meth:`vaezoo.core.LikelihoodKind.forward`."""
        return Noisy(
            corrected(features, base),
            PoissonGaussianNoise(self.log_gain.float().clamp_min(-14.0), self.log_floor.float().clamp_min(-14.0)),
        )


@final
class HistogramKind(LikelihoodKind):
    """Features are the clean signal. The noise is a table; see :class:`HistogramNoise`.

    Args:
        bins: Number of bins; see :class:`HistogramNoise`.
        sigma: Initial width; see :class:`HistogramNoise`.
    """

    gives = Noisy

    def __init__(self, bins: int = 64, sigma: float = 0.2) -> None:
        super().__init__()
        self.noise = HistogramNoise(bins, sigma)

    def use(self, noise: HistogramNoise) -> None:
        """Sets a fitted noise: ``model.decoder.head.form.use(fit_histogram(y, s))``.

        Raises:
            IncompatibleParts: The number of bins differs.
        """
        _take(self.noise, noise)

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Noisy:
        """See :meth:`vaezoo.core.LikelihoodKind.forward`."""
        return Noisy(corrected(features, base), self.noise)


@final
class MixtureKind(LikelihoodKind):
    """Features are the clean signal. The noise is a mixture of Gaussians; see :class:`MixtureNoise`.

    Args:
        components: Number of components; see :class:`MixtureNoise`.
        degree: Degree of the polynomials; see :class:`MixtureNoise`.
        sigma: Initial width; see :class:`MixtureNoise`.
        centred: Whether the noise has mean 0; see :class:`MixtureNoise`.
    """

    gives = Noisy

    def __init__(self, components: int = 3, degree: int = 2, sigma: float = 0.2, centred: bool = True) -> None:
        super().__init__()
        self.noise = MixtureNoise(components, degree, sigma, centred)

    def use(self, noise: MixtureNoise) -> None:
        """Sets a fitted noise: ``model.decoder.head.form.use(fit_mixture(y, s))``.

        Raises:
            IncompatibleParts: The number of components or the degree differs, or only one of the two is centred.
        """
        if noise.centred != self.noise.centred:  # a model's file has the decoder's options, and not this noise's
            raise IncompatibleParts(
                f"Expected a fitted noise with centred={self.noise.centred}, got {noise.centred}.",
                hint="Fit it with the options of the decoder's likelihood.",
                value=noise.centred,
            )
        _take(self.noise, noise)

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Noisy:
        """See :meth:`vaezoo.core.LikelihoodKind.forward`."""
        return Noisy(corrected(features, base), self.noise)


@torch.no_grad()
def _take(ours: nn.Module, theirs: nn.Module) -> None:
    for (name, mine), given in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        if mine.shape != given.shape:
            raise IncompatibleParts(
                f"Expected a fitted noise with {name} of {tuple(mine.shape)}, got {tuple(given.shape)}.",
                hint="Fit it with the options of the decoder's likelihood.",
                value=tuple(given.shape),
            )
        mine.copy_(given)
