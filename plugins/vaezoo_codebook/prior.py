"""The base of codebook priors: how a grid becomes codes, what they cost, and how they are sampled.

The latents are codes c. Their prior is uniform, p(c) = 1/K for each cell and codebook. q(c|x) has all its mass on one
code. So the rate is exact and constant: KL(q‖p) = log K nats per cell and codebook. `log_p` and `log_q` are log
probabilities of codes, not densities of vectors. With them, −distortion − rate is a lower bound on log p(x), and an NLL
with any number of samples equals that bound. ``autoregressive`` has a better p(c), which is fitted afterwards.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import final

import torch
from torch import Tensor

from vaezoo.core import Context, Latents, Noise, Posterior, Prior, Pyramid
from vaezoo.errors import IncompatibleParts


@final
@dataclass(frozen=True)
class Quantised:
    """N vectors after quantisation.

    Attributes:
        codes: Indices, int64 (N,), one tensor for each codebook.
        values: Vectors of the codes, (N, D), with gradients to the original vectors.
        penalties: Weighted penalties, (N,) each.
    """

    codes: tuple[Tensor, ...]
    values: Tensor
    penalties: Mapping[str, Tensor] = field(default_factory=dict)


def straight_through(z: Tensor, values: Tensor) -> Tensor:
    """Returns the values with the gradient of z. So quantisation counts as the identity in the backward pass."""
    return z + (values - z).detach()


class CodebookPrior(Prior):
    """A uniform prior over codes, with a rule that quantises the centre of a belief.

    Attributes:
        latent_channels: Number of latent channels D.
        latent_stride: Pixels per cell of (B, D, h, w) latents. None for vectors, which are one cell.
        sizes: Number of codes of each codebook.
    """

    geometry = "on the codes of a codebook"
    latent_channels: int
    latent_stride: int | None
    sizes: tuple[int, ...]

    @abstractmethod
    def quantise(self, vectors: Tensor) -> Quantised:
        """Quantises N vectors (N, D), fp32. In training it may also update codebooks."""

    @abstractmethod
    def look_up(self, codes: tuple[Tensor, ...]) -> Tensor:
        """Returns the vectors (N, D) of codes (N,) of each codebook."""

    @abstractmethod
    def centre(self) -> tuple[int, ...]:
        """Returns the code of each codebook for a sample at temperature 0."""

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.infer`. The centre of the belief is quantised, so all K samples are equal.

        Raises:
            IncompatibleParts: The belief is a pyramid.
        """
        if isinstance(belief, Pyramid):
            raise IncompatibleParts(
                f"{type(self).__name__} quantises the centre of a posterior, but the encoder gives a pyramid.",
                hint="Use a ladder prior.",
                value=type(belief).__name__,
            )
        mean = belief.mean
        grid = mean if mean.dim() == 4 else mean[:, :, None, None]
        batch, _, height, width = grid.shape
        with torch.autocast(mean.device.type, enabled=False):  # distances in bf16 would choose other codes
            found = self.quantise(grid.float().movedim(1, -1).flatten(0, 2))
        values = found.values.view(batch, height, width, -1).movedim(-1, 1).reshape(mean.shape).to(mean.dtype)
        z = values.expand(k, *values.shape)
        rate = torch.full((batch,), self._cell_rate() * height * width, device=mean.device)
        return Latents(
            (z,),
            z.flatten(0, 1),
            (rate,),
            log_p=-rate.expand(k, batch),
            log_q=torch.zeros(k, batch, device=mean.device),
            codes=tuple(codes.view(batch, height, width) for codes in found.codes),
            penalties={name: each.view(batch, -1).sum(1) for name, each in found.penalties.items()},
        )

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.sample`. Codes have K·B rows, with the sample index slow.

        Codes have no scale, so every temperature above 0 draws them uniformly. 0 gives the codes of :meth:`centre`
        everywhere.
        """
        return self.draw(context, k, noise or Noise())

    def draw(self, context: Context, k: int, noise: Noise, level: int = 0) -> Latents:
        """Returns :meth:`sample` with the noise of a level, so that codebooks at several scales draw independently."""
        given = (context.image, context.vector, *self.parameters(), *self.buffers())
        like = next((t for t in given if t is not None and t.is_floating_point()), torch.zeros(()))
        cells = (1, 1) if self.latent_stride is None else tuple(-(-s // self.latent_stride) for s in context.size)
        shape = (k, context.batch, len(self.sizes), *cells)
        if noise.temperature == 0:
            centre = torch.tensor(self.centre(), device=like.device)
            drawn = centre.view(-1, 1, 1).expand(shape)
        else:
            exact = torch.zeros((), device=like.device)  # in half precision, noise would miss some codes
            eps = replace(noise, temperature=1.0).normal(shape, exact, level=level, stride=self.latent_stride or 1)
            sizes = torch.tensor(self.sizes, device=like.device).view(-1, 1, 1)
            drawn = (torch.special.ndtr(eps.double()) * sizes).long().minimum(sizes - 1)
        return self.spell(drawn.flatten(0, 1).unbind(1), context.batch, like)

    def spell(self, codes: tuple[Tensor, ...], batch: int, like: Tensor) -> Latents:
        """Returns the latents of codes, with their probability under the uniform distribution.

        Args:
            codes: Codes of each codebook, int64 (K·B, h, w), with the sample index slow.
            batch: Number of images B.
            like: Tensor with the dtype of the latents.
        """
        rows, *cells = codes[0].shape
        values = self.look_up(tuple(each.flatten() for each in codes)).to(like)
        z = values.view(rows // batch, batch, *cells, -1).movedim(-1, 2)
        z = z.flatten(2) if self.latent_stride is None else z
        log_p = torch.full(z.shape[:2], -self._cell_rate() * math.prod(cells), device=like.device)
        return Latents((z,), z.flatten(0, 1), log_p=log_p, codes=codes)

    def _cell_rate(self) -> float:
        return sum(math.log(size) for size in self.sizes)
