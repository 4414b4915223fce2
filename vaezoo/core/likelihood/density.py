"""Check whether a likelihood has an NLL."""

from __future__ import annotations

from torch import Tensor

from vaezoo.core.likelihood.base import Likelihood
from vaezoo.core.likelihood.pixelwise import Bernoulli
from vaezoo.errors import NotNormalised


def check_density(likelihood: Likelihood, x: Tensor) -> None:
    """Raises if a likelihood's ``log_prob`` is not a normalised density of x.

    Raises:
        NotNormalised: The likelihood depends on x, or it is a Bernoulli and x is gray.
    """
    if not likelihood.normalised:
        raise NotNormalised(
            f"{type(likelihood).__name__} is no density of x, so it has no NLL.",
            hint="Report the ELBO's parts, or PSNR.",
            value=type(likelihood).__name__,
        )
    if isinstance(likelihood, Bernoulli) and not ((x == 0) | (x == 1)).all():
        raise NotNormalised(
            "A Bernoulli likelihood has an NLL for binary pixels only, got gray ones.",
            hint="Binarise the images: (x > torch.rand_like(x)).float(), or x.round().",
            value=type(likelihood).__name__,
        )
