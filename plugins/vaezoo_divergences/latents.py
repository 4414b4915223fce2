"""The latents of a batch as rows, which all losses here use."""

from __future__ import annotations

from torch import Tensor

from vaezoo.core import VAE, Bound, DiagonalGaussian
from vaezoo.errors import IncompatibleParts, TrainingError


def check_several(rows: Tensor) -> Tensor:
    """Returns rows (B, D) if there are at least two.

    Raises:
        TrainingError: There is only one row, which says nothing about a batch.
    """
    if rows.shape[0] < 2:
        raise TrainingError(
            f"Expected a batch of at least 2 images, whose latents are compared, got {rows.shape[0]}.",
            hint="Raise batch, or lower accumulate.",
            value=rows.shape[0],
        )
    return rows


def gaussian_rows(bound: Bound) -> tuple[Tensor, Tensor, Tensor]:
    """Returns one z per image and its belief's mean and log-variance, (B, D) each, in fp32.

    Raises:
        IncompatibleParts: The belief is not a diagonal Gaussian.
        TrainingError: The batch has only one image.
    """
    belief = bound.belief
    if not isinstance(belief, DiagonalGaussian):
        raise IncompatibleParts(
            f"Expected a DiagonalGaussian, which has a mean and a variance per latent, got {type(belief).__name__}.",
            hint="Choose an encoder with a Gaussian belief.",
            value=type(belief).__name__,
        )
    z, mean, logvar = (t.flatten(1).float() for t in (bound.latents.z[0][0], belief.mean, belief.logvar))
    return check_several(z), mean, logvar


def drawn_rows(model: VAE, bound: Bound) -> tuple[Tensor, Tensor]:
    """Returns one z per image, and as many samples of the prior, (B, D) each, in fp32.

    Raises:
        TrainingError: The batch has only one image.
    """
    prior = model.prior.sample(bound.context).z[0][0]
    return check_several(bound.latents.z[0][0].flatten(1).float()), prior.flatten(1).float()
