"""What a model returns: the bound of a batch, and a restored image."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from vaezoo.core.beliefs.posterior import Posterior, Pyramid
from vaezoo.core.context import Context
from vaezoo.core.latents import Latents
from vaezoo.core.likelihood import Likelihood
from vaezoo.errors import NotNormalised


@final
@dataclass(frozen=True)
class Bound:
    """The evidence lower bound of a batch with all that it was computed from, in nats per image.

    Attributes:
        context: Context of the model.
        belief: Belief that the encoder returned.
        latents: K samples with their rate.
        likelihood: p(x|z) for K·B rows, cropped to the image.
        log_likelihood: log p(x|z), (K, B).
        distortion: −log p(x|z), the mean over samples, (B,).
        rate: KL(q‖p), summed over all levels, (B,); NaN for a deterministic encoder.
    """

    context: Context
    belief: Posterior | Pyramid
    latents: Latents
    likelihood: Likelihood
    log_likelihood: Tensor
    distortion: Tensor
    rate: Tensor

    @property
    def elbo(self) -> Tensor:
        """−distortion − rate, (B,). Larger is better."""
        return -self.distortion - self.rate

    @property
    def penalty(self) -> Tensor:
        """Zeros, (B,). `vaezoo.core.Objective` adds the penalties; a loss that adds them too would count them twice."""
        warnings.warn(
            "vaezoo: Objective adds the penalties of latents: leave bound.penalty out of the loss, and read "
            "latents.penalties for their values",
            DeprecationWarning,
            stacklevel=2,
        )
        return torch.zeros_like(self.distortion)

    @property
    def log_weight(self) -> Tensor:
        """Log importance weight, log p(x|z) + log p(z) − log q(z|x), (K, B).

        Raises:
            NotNormalised: The prior or the posterior has no density.
        """
        if self.latents.log_p is None or self.latents.log_q is None:
            raise NotNormalised(
                f"An importance weight needs densities of z, but {type(self.belief).__name__} or its prior has none.",
                hint="Choose an encoder with a Gaussian posterior.",
                value=type(self.belief).__name__,
            )
        return self.log_likelihood + self.latents.log_p - self.latents.log_q


@final
@dataclass(frozen=True)
class Restored:
    """A restored image and its uncertainty.

    Attributes:
        image: Mean path, (B, C, H, W) in [0, 1].
        scale: Standard deviation per pixel that the decoder predicts, of the image's shape and unit; or None.
        average: Mean of the samples, or None if there are none.
        spread: Standard deviation of the samples, or None if there are none.
        samples: Samples (K, B, C, H, W) if they were kept, or None.
    """

    image: Tensor
    scale: Tensor | None = None
    average: Tensor | None = None
    spread: Tensor | None = None
    samples: Tensor | None = None


def mean_and_spread(
    samples: Iterable[Tensor], *, paired: bool = False, keep: bool = False
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Returns the mean and the standard deviation of samples, and the samples (K, ...) if they are kept.

    Args:
        samples: One or more samples of one shape. Only one is held at a time.
        paired: Whether samples come in opposite pairs. Then the divisor is K, not K − 1, since no mean is estimated.
        keep: Whether to keep the samples.

    Source: Note on a method for calculating corrected sums of squares and products (Welford, 1962).
    """
    kept: list[Tensor] = []
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for count, sample in enumerate(samples, 1):
        step = sample - mean.to(sample)
        mean = mean.to(sample) + step / count
        squares = squares.to(sample) + step * (sample - mean)
        if keep:
            kept.append(sample)
    spread = torch.sqrt(squares / max(count if paired else count - 1, 1))
    return mean, spread, torch.stack(kept) if keep else None
