"""A prior under which only a few latents are not 0."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from vaezoo.core import Context, Latents, Noise, Posterior, Prior, Pyramid
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts

from .facts import TopKPriorConfig


def largest(z: Tensor, kept: int) -> Tensor:
    """Sets all latents (K, B, D, ...) but the ``kept`` largest in magnitude to 0, in each cell."""
    places = z.abs().topk(kept, dim=2).indices
    return z * torch.zeros_like(z).scatter(2, places, 1.0)


@final
class TopKPrior(Prior):
    """The distribution of a sample of N(0, I) of which only the largest latents are kept, as for the belief's centre.

    It has no density, so it takes points and gives no rate. It goes with every loss that takes points.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: k-Sparse Autoencoders (Makhzani and Frey, 2013), arXiv:1312.5663. There the largest are those of largest
    value; here those of largest magnitude.
    """

    geometry = "on planes of few coordinates"

    @accepts_keywords(TopKPriorConfig)
    def __init__(self, config: TopKPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride, self.kept = config.latent_channels, config.latent_stride, config.kept
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.infer`. All K samples equal the centre's.

        Raises:
            IncompatibleParts: The belief is a pyramid.
        """
        if isinstance(belief, Pyramid):
            raise IncompatibleParts(
                "TopKPrior takes a posterior, but the encoder gives a pyramid.",
                hint="Use a ladder prior.",
                value=type(belief).__name__,
            )
        z = largest(belief.mean.expand(k, *belief.mean.shape), self.kept)
        return Latents((z,), z.flatten(0, 1))

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.sample`."""
        given = (context.image, context.vector, *self.buffers())
        like = next(t for t in given if t is not None)
        stride = self.latent_stride
        grid = () if stride is None else tuple(-(-s // stride) for s in context.size)
        shape = (k, context.batch, self.latent_channels, *grid)
        z = largest((noise or Noise()).normal(shape, like, stride=stride or 1), self.kept)
        return Latents((z,), z.flatten(0, 1))
