"""A learnt prior over the codes of another codebook prior, code by code. How codes are made is the other's."""

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
"""Images in a step of the fit: each has many cells, of which each is a term."""


def made_codebook(around: str, latent_channels: int, latent_stride: int | None) -> CodebookPrior:
    """Returns the codebook prior that a text says, see :func:`vaezoo_codebook.facts.codebook_told`.

    Raises:
        IncompatibleParts: It names no codebook prior.
        ConfigError: It has no such option, or refuses its value.
    """
    name, options = codebook_told(around)
    module, _, attribute = BOOKS[name].partition(":")
    made: CodebookPrior = getattr(import_module(module), attribute)(latent_channels, latent_stride, **options)
    return made


@final
class AutoregressivePrior(Prior):
    """p(c) = Π p(c_i | c_1 … c_{i−1}) over the cells of a grid in reading order, and in a cell over its codebooks.

    Encoder and decoder see what they saw under the codebook alone. Codes are certain under the posterior, so the rate
    is −log p(c), exactly, and −distortion − rate a lower bound on log p(x). Usually fitted to a trained model's codes
    (:func:`vaezoo.fit_prior`); trained with the model, the network learns beside it, without a gradient to the codes.

    A sample takes one pass of the network for each cell. The noise of a cell and codebook picks its code: a
    temperature T divides the logits, and at 0 each code is the most probable one given those before it.

    Args:
        config: Its parameters, which are also taken as keywords.

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
        """Takes over the codebook, and of another autoregressive prior the network too where it is of this size."""
        if isinstance(old, AutoregressivePrior):
            super().adopt(old)
        else:
            self.book.adopt(old)

    def log_prob(self, codes: tuple[Tensor, ...] | Tensor) -> Tensor:
        """Returns log p(c) in nats.

        Args:
            codes: Of each codebook, int64 (N, h, w), as :attr:`vaezoo.core.Latents.codes` holds them; or stacked,
                (N, books, h, w).

        Returns:
            (N,).

        Raises:
            ShapeError: They are not of as many codebooks.
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
        """See :meth:`CodebookPrior.infer`, but for the rate.

        Raises:
            IncompatibleParts: The belief is a pyramid.
        """
        found = self.book.infer(belief, context, k, noise)
        log_p = self.log_prob(found.codes)
        return replace(found, rate=(-log_p,), log_p=log_p.expand(k, -1))

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.sample`; codes have K·B rows, the sample index slow."""
        noise = noise or Noise()
        like = self.network.start
        cells = (1, 1) if self.latent_stride is None else tuple(-(-s // self.latent_stride) for s in context.size)
        shape = (k, context.batch, len(self.book.sizes), *cells)
        exact = torch.zeros((), device=like.device)  # noise of half precision would leave codes out
        eps = replace(noise, temperature=1.0).normal(shape, exact, stride=self.latent_stride or 1)
        codes = self._drawn(torch.special.ndtr(eps.double()).flatten(0, 1), noise.temperature)
        found = self.book.spell(codes.unbind(1), context.batch, like)
        return replace(found, log_p=self.log_prob(codes).view(k, context.batch))

    def fit(self, z: Tensor, context: Context, *, steps: int | None = None, seed: int = 0) -> tuple[float, ...]:
        """See :meth:`vaezoo.core.Prior.fit`; z are codes, int64 (N, books, h, w), and the codebook stays as it is.

        Raises:
            ShapeError: They are codes of another number of codebooks.
            IncompatibleParts: They are no codes.
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
        """Returns codes (N, books, h, w) of uniform noise of that shape, by the quantiles of each code's law."""
        codes = torch.zeros_like(uniform, dtype=torch.int64)
        rows, columns = uniform.shape[-2:]
        for row in range(rows):
            for column in range(columns):
                told = self.network.trunk(codes[:, :, : row + 1])[:, :, row : row + 1, column : column + 1]
                cell = codes[:, :, row : row + 1, column : column + 1]  # a view: what is put in here is in the codes
                for book, size in enumerate(self.book.sizes):
                    logits = self.network.logits(told, cell, book)[:, :, 0, 0].double()
                    if temperature == 0:
                        cell[:, book, 0, 0] = logits.argmax(1)
                        continue
                    heights = torch.softmax(logits / temperature, 1).cumsum(1)
                    mark = uniform[:, book, row, column, None] * heights[:, -1:]
                    cell[:, book, 0, 0] = torch.searchsorted(heights, mark, right=True)[:, 0].clamp(max=size - 1)
        return codes
