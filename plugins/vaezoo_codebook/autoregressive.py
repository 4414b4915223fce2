"""A learned autoregressive prior over the codes of another codebook prior, which makes the codes."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import final

import torch
from torch import Tensor

from vaezoo.core import Context, Latents, Noise, Posterior, Prior, Pyramid, ascend
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts, ShapeError

from .facts import BOOKS, AutoregressivePriorConfig, codebook_told
from .masked import MaskedNetwork
from .prior import CodebookPrior

AT_ONCE = 64
"""Number of images per step of the fit. Each has many cells, all of which count."""


def made_codebook(around: str, latent_channels: int, latent_stride: int | None) -> CodebookPrior:
    """Makes the codebook prior that a text names; see :func:`vaezoo_codebook.facts.codebook_told`.

    Raises:
        IncompatibleParts: The text does not name a codebook prior.
        ConfigError: An option is unknown, or its value is refused.
    """
    name, options = codebook_told(around)
    module, _, attribute = BOOKS[name].partition(":")
    made: CodebookPrior = getattr(import_module(module), attribute)(latent_channels, latent_stride, **options)
    return made


@final
class AutoregressivePrior(Prior):
    """p(c) = Π p(c_i | c_1 … c_{i−1}) over the cells of a grid in reading order, and in a cell over its codebooks.

    Encoder and decoder see the same as with the codebook alone. Codes are deterministic under the posterior, so the
    rate is exactly −log p(c), and −distortion − rate is a lower bound on log p(x). Usually the prior is fitted to a
    trained model's codes (:func:`vaezoo.fit_prior`). If it is trained with the model, no gradient reaches the codes.

    A sample takes one pass of the network per cell. The noise of a cell and codebook picks its code. A temperature T
    divides the logits; at 0 each code is the most probable one given those before it.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Conditional Image Generation with PixelCNN Decoders (van den Oord et al., 2016), arXiv:1606.05328; over
    codes: Neural Discrete Representation Learning (van den Oord et al., 2017), arXiv:1711.00937.
    """

    geometry = CodebookPrior.geometry

    @accepts_keywords(AutoregressivePriorConfig)
    def __init__(self, config: AutoregressivePriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.book = made_codebook(config.around, config.latent_channels, config.latent_stride)
        self.network = MaskedNetwork(
            self.book.sizes, config.width, 0 if config.latent_stride is None else config.layers, config.reach
        )

    def adopt(self, old: Prior) -> None:
        """Takes over the codebook. From another autoregressive prior of the same size it also takes the network."""
        if isinstance(old, AutoregressivePrior):
            super().adopt(old)
        else:
            self.book.adopt(old)

    def log_prob(self, codes: tuple[Tensor, ...] | Tensor) -> Tensor:
        """Returns log p(c) in nats.

        Args:
            codes: Codes of each codebook, int64 (N, h, w), as in :attr:`vaezoo.core.Latents.codes`; or stacked, (N,
                books, h, w).

        Returns:
            Log probabilities, (N,).

        Raises:
            ShapeError: The number of codebooks differs.
        """
        codes = codes if isinstance(codes, Tensor) else torch.stack(codes, 1)
        if codes.dim() != 4 or codes.shape[1] != len(self.book.sizes):
            raise ShapeError(
                f"Expected codes (N, {len(self.book.sizes)}, h, w), got {tuple(codes.shape)}.",
                value=tuple(codes.shape),
            )
        with torch.autocast(codes.device.type, enabled=False):
            found: Tensor = self.network(codes)
        return found

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`CodebookPrior.infer`. Only the rate differs.

        Raises:
            IncompatibleParts: The belief is a pyramid.
        """
        found = self.book.infer(belief, context, k, noise)
        log_p = self.log_prob(found.codes)
        return replace(found, rate=(-log_p,), log_p=log_p.expand(k, -1))

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.sample`. Codes have K·B rows, with the sample index slow."""
        noise = noise or Noise()
        like = self.network.start
        cells = (1, 1) if self.latent_stride is None else tuple(-(-s // self.latent_stride) for s in context.size)
        shape = (k, context.batch, len(self.book.sizes), *cells)
        exact = torch.zeros((), device=like.device)  # in half precision, noise would miss some codes
        eps = replace(noise, temperature=1.0).normal(shape, exact, stride=self.latent_stride or 1)
        codes = self._drawn(torch.special.ndtr(eps.double()).flatten(0, 1), noise.temperature)
        found = self.book.spell(codes.unbind(1), context.batch, like)
        return replace(found, log_p=self.log_prob(codes).view(k, context.batch))

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """See :meth:`vaezoo.core.Prior.fit`. z are codes, int64 (N, books, h, w). The codebook stays as it is.

        Raises:
            ShapeError: The number of codebooks differs.
            IncompatibleParts: z are not codes.
        """
        if z.is_floating_point():
            raise IncompatibleParts(
                f"AutoregressivePrior is fitted to codes, got latents of {z.dtype}.",
                hint="Fit it to a model with a codebook, or a mixture or a flow to this one.",
                value=z.dtype,
            )
        return ascend(self.network, lambda rows: self.log_prob(z[rows]), len(z), steps, seed, at_once=AT_ONCE)

    @torch.no_grad()
    def _drawn(self, uniform: Tensor, temperature: float) -> Tensor:
        """Returns codes (N, books, h, w) for uniform noise of that shape, by quantiles of each code's distribution."""
        codes = torch.zeros_like(uniform, dtype=torch.int64)
        rows, columns = uniform.shape[-2:]
        for row in range(rows):
            for column in range(columns):
                told = self.network.trunk(codes[:, :, : row + 1])[:, :, row : row + 1, column : column + 1]
                cell = codes[:, :, row : row + 1, column : column + 1]  # a view: writing to it changes codes
                for book, size in enumerate(self.book.sizes):
                    logits = self.network.logits(told, cell, book)[:, :, 0, 0].double()
                    if temperature == 0:
                        cell[:, book, 0, 0] = logits.argmax(1)
                        continue
                    heights = torch.softmax(logits / temperature, 1).cumsum(1)
                    mark = uniform[:, book, row, column, None] * heights[:, -1:]
                    cell[:, book, 0, 0] = torch.searchsorted(heights, mark, right=True)[:, 0].clamp(max=size - 1)
        return codes
