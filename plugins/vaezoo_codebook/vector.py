"""Priors over learnt codebooks: one, one after another, or side by side."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from .codebook import Codebook
from .facts import check_codebook, check_depth, check_share
from .prior import CodebookPrior, Quantised, straight_through


def books(modules: nn.ModuleList) -> list[Codebook]:
    """Returns the codebooks of a list of modules, as what they are."""
    return [module for module in modules if isinstance(module, Codebook)]


def summed(parts: list[Quantised]) -> dict[str, Tensor]:
    """Returns the penalties of several codebooks, added by name."""
    return {name: torch.stack([part.penalties[name] for part in parts]).sum(0) for name in parts[0].penalties}


@final
class VQPrior(CodebookPrior):
    """One codebook; each cell is one of K vectors. The rate is log K nats a cell.

    Args:
        latent_channels: D.
        latent_stride: Pixels per cell, or None for vectors.
        entries: K.
        learn: ``ema`` or ``gradient``; this and the following as in :class:`vaezoo_codebook.codebook.Codebook`.
        commitment: Weight of the commitment penalty.
        decay: Of the running sums.
        revive: Share of the uniform use below which an entry is revived.

    Raises:
        ConfigError: A setting is outside its range.

    Source: Neural Discrete Representation Learning (van den Oord et al., 2017), arXiv:1711.00937.
    """

    def __init__(
        self,
        latent_channels: int,
        latent_stride: int | None = None,
        entries: int = 256,
        learn: str = "ema",
        commitment: float = 0.25,
        decay: float = 0.99,
        revive: float = 0.05,
    ) -> None:
        super().__init__()
        check_codebook(entries, learn, commitment, decay, revive)
        self.latent_channels, self.latent_stride, self.sizes = latent_channels, latent_stride, (entries,)
        self.codebook = Codebook(entries, latent_channels, learn, commitment, decay, revive)

    def quantise(self, vectors: Tensor) -> Quantised:
        """See :meth:`CodebookPrior.quantise`."""
        found = self.codebook(vectors)
        return Quantised(found.codes, straight_through(vectors, found.values), found.penalties)

    def look_up(self, codes: tuple[Tensor, ...]) -> Tensor:
        """See :meth:`CodebookPrior.look_up`."""
        return self.codebook.table()[codes[0]]

    def centre(self) -> tuple[int, ...]:
        """Returns the entry nearest the mean of the codebook."""
        return (self.codebook.centre(),)


@final
class ResidualVQPrior(CodebookPrior):
    """Codebooks one after another, each for what the ones before it left; the rate is depth · log K nats a cell.

    Entry 0 of every codebook but the first is the zero vector, so a further level never makes the error larger.

    Args:
        latent_channels: D.
        latent_stride: Pixels per cell, or None for vectors.
        depth: Number of codebooks.
        entries: K of each.
        learn: ``ema`` or ``gradient``; this and the following as in :class:`vaezoo_codebook.codebook.Codebook`.
        commitment: Weight of the commitment penalty of each level.
        decay: Of the running sums.
        revive: Share of the uniform use below which an entry is revived.

    Raises:
        ConfigError: A setting is outside its range.

    Source: Autoregressive Image Generation using Residual Quantization (Lee et al., 2022), section 3.1,
    arXiv:2203.01941.
    """

    def __init__(
        self,
        latent_channels: int,
        latent_stride: int | None = None,
        depth: int = 4,
        entries: int = 256,
        learn: str = "ema",
        commitment: float = 0.25,
        decay: float = 0.99,
        revive: float = 0.05,
    ) -> None:
        super().__init__()
        check_depth(depth)
        check_codebook(entries, learn, commitment, decay, revive)
        self.latent_channels, self.latent_stride, self.sizes = latent_channels, latent_stride, (entries,) * depth
        self.codebooks = nn.ModuleList(
            Codebook(entries, latent_channels, learn, commitment, decay, revive, anchored=level > 0)
            for level in range(depth)
        )

    def quantise(self, vectors: Tensor) -> Quantised:
        """See :meth:`CodebookPrior.quantise`."""
        left, found = vectors, []
        for codebook in self.codebooks:
            found.append(codebook(left))
            left = left - found[-1].values
        codes = tuple(part.codes[0] for part in found)
        return Quantised(codes, straight_through(vectors, vectors - left), summed(found))

    def look_up(self, codes: tuple[Tensor, ...]) -> Tensor:
        """See :meth:`CodebookPrior.look_up`."""
        pairs = zip(books(self.codebooks), codes, strict=True)
        return torch.stack([codebook.table()[each] for codebook, each in pairs]).sum(0)

    def centre(self) -> tuple[int, ...]:
        """Returns the first codebook's entry nearest its mean, and zero at each further level."""
        return (books(self.codebooks)[0].centre(), *[0] * (len(self.codebooks) - 1))


@final
class ProductVQPrior(CodebookPrior):
    """Codebooks side by side, each for its share of the channels; the rate is groups · log K nats a cell.

    Args:
        latent_channels: D, a multiple of ``groups``.
        latent_stride: Pixels per cell, or None for vectors.
        groups: Number of codebooks.
        entries: K of each.
        rotate: Whether an orthogonal matrix is learnt, by the commitment penalty, that turns the vectors before they
            are dealt out; groups of correlated channels waste codes.
        learn: ``ema`` or ``gradient``; this and the following as in :class:`vaezoo_codebook.codebook.Codebook`.
        commitment: Weight of the commitment penalty of each group.
        decay: Of the running sums.
        revive: Share of the uniform use below which an entry is revived.

    Raises:
        ConfigError: A setting is outside its range.

    Source: Product Quantization for Nearest Neighbor Search (Jégou et al., 2011); in a VAE: Learning Product Codebooks
    using Vector Quantized Autoencoders for Image Retrieval (Wu and Flierl, 2018), arXiv:1807.04629; the rotation:
    Optimized Product Quantization (Ge et al., 2014), doi:10.1109/TPAMI.2013.240.
    """

    def __init__(
        self,
        latent_channels: int,
        latent_stride: int | None = None,
        groups: int = 2,
        entries: int = 256,
        learn: str = "ema",
        commitment: float = 0.25,
        decay: float = 0.99,
        revive: float = 0.05,
        rotate: bool = False,
    ) -> None:
        super().__init__()
        check_share(latent_channels, groups)
        check_codebook(entries, learn, commitment, decay, revive)
        self.latent_channels, self.latent_stride, self.sizes = latent_channels, latent_stride, (entries,) * groups
        self.codebooks = nn.ModuleList(
            Codebook(entries, latent_channels // groups, learn, commitment, decay, revive) for _ in range(groups)
        )
        start = 0.01 * torch.randn(latent_channels, latent_channels)  # 0 can be a saddle
        self.generator = nn.Parameter(start) if rotate else None

    def quantise(self, vectors: Tensor) -> Quantised:
        """See :meth:`CodebookPrior.quantise`."""
        turn = self.rotation()
        shares = (vectors if turn is None else vectors @ turn.mT).chunk(len(self.codebooks), 1)
        found = [codebook(share) for codebook, share in zip(self.codebooks, shares, strict=True)]
        codes = tuple(part.codes[0] for part in found)
        values = self._back(torch.cat([part.values for part in found], 1))
        return Quantised(codes, straight_through(vectors, values), summed(found))

    def look_up(self, codes: tuple[Tensor, ...]) -> Tensor:
        """See :meth:`CodebookPrior.look_up`."""
        pairs = zip(books(self.codebooks), codes, strict=True)
        return self._back(torch.cat([codebook.table()[each] for codebook, each in pairs], 1))

    def centre(self) -> tuple[int, ...]:
        """Returns of each codebook the entry nearest its mean."""
        return tuple(codebook.centre() for codebook in books(self.codebooks))

    def rotation(self) -> Tensor | None:
        """Returns the orthogonal matrix (D, D) that turns vectors, or None; it is the exponential of a skew one."""
        if self.generator is None:
            return None
        generator = self.generator.float()
        return torch.linalg.matrix_exp(generator - generator.mT)

    def _back(self, vectors: Tensor) -> Tensor:
        turn = self.rotation()
        return vectors if turn is None else vectors @ turn
