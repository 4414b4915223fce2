"""Priors with learned codebooks: a single one, several in a row, or several side by side."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core.facts import accepts_keywords

from .codebook import Codebook
from .facts import ProductVQPriorConfig, ResidualVQPriorConfig, VQPriorConfig
from .prior import CodebookPrior, Quantised, straight_through


def books(modules: nn.ModuleList) -> list[Codebook]:
    """Returns the codebooks in a list of modules, with their type."""
    return [module for module in modules if isinstance(module, Codebook)]


def summed(parts: list[Quantised]) -> dict[str, Tensor]:
    """Adds the penalties of several codebooks by name."""
    return {name: torch.stack([part.penalties[name] for part in parts]).sum(0) for name in parts[0].penalties}


@final
class VQPrior(CodebookPrior):
    """One codebook: each cell is one of K vectors. The rate is log K nats per cell.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Neural Discrete Representation Learning (van den Oord et al., 2017), arXiv:1711.00937.
    """

    @accepts_keywords(VQPriorConfig)
    def __init__(self, config: VQPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.sizes = (config.entries,)
        self.codebook = Codebook(
            config.entries, config.latent_channels, config.learn, config.commitment, config.decay, config.revive
        )

    def quantise(self, vectors: Tensor) -> Quantised:
        """See :meth:`CodebookPrior.quantise`."""
        found = self.codebook(vectors)
        return Quantised(found.codes, straight_through(vectors, found.values), found.penalties)

    def look_up(self, codes: tuple[Tensor, ...]) -> Tensor:
        """See :meth:`CodebookPrior.look_up`."""
        return self.codebook.table()[codes[0]]

    def centre(self) -> tuple[int, ...]:
        """Returns the index of the entry nearest to the mean of the codebook."""
        return (self.codebook.centre(),)


@final
class ResidualVQPrior(CodebookPrior):
    """Codebooks in a row, each for the rest left by those before it. The rate is depth · log K nats per cell.

    Entry 0 of every codebook but the first is the zero vector, so a further level never increases the error.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Autoregressive Image Generation using Residual Quantization (Lee et al., 2022), section 3.1,
    arXiv:2203.01941.
    """

    @accepts_keywords(ResidualVQPriorConfig)
    def __init__(self, config: ResidualVQPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.sizes = (config.entries,) * config.depth
        self.codebooks = nn.ModuleList(
            Codebook(
                config.entries,
                config.latent_channels,
                config.learn,
                config.commitment,
                config.decay,
                config.revive,
                anchored=level > 0,
            )
            for level in range(config.depth)
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
        """Returns the first codebook's entry nearest to its mean, and zero for each further level."""
        return (books(self.codebooks)[0].centre(), *[0] * (len(self.codebooks) - 1))


@final
class ProductVQPrior(CodebookPrior):
    """Codebooks side by side, each for its share of the channels. The rate is groups · log K nats per cell.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Product Quantization for Nearest Neighbor Search (Jégou et al., 2011); in a VAE: Learning Product Codebooks
    using Vector Quantized Autoencoders for Image Retrieval (Wu and Flierl, 2018), arXiv:1807.04629; the rotation:
    Optimized Product Quantization (Ge et al., 2014), doi:10.1109/TPAMI.2013.240.
    """

    @accepts_keywords(ProductVQPriorConfig)
    def __init__(self, config: ProductVQPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.sizes = (config.entries,) * config.groups
        self.codebooks = nn.ModuleList(
            Codebook(
                config.entries,
                config.latent_channels // config.groups,
                config.learn,
                config.commitment,
                config.decay,
                config.revive,
            )
            for _ in range(config.groups)
        )
        start = 0.01 * torch.randn(config.latent_channels, config.latent_channels)  # 0 can be a saddle
        self.generator = nn.Parameter(start) if config.rotate else None

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
        """Returns the entry nearest to its mean, for each codebook."""
        return tuple(codebook.centre() for codebook in books(self.codebooks))

    def rotation(self) -> Tensor | None:
        """Returns the orthogonal matrix (D, D) that rotates vectors, or None: the exponential of a skew matrix."""
        if self.generator is None:
            return None
        generator = self.generator.float()
        return torch.linalg.matrix_exp(generator - generator.mT)

    def _back(self, vectors: Tensor) -> Tensor:
        turn = self.rotation()
        return vectors if turn is None else vectors @ turn
