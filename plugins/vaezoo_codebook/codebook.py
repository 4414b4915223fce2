"""A codebook of vectors, and how it is trained."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .prior import Quantised

TRACE = 1e-4
"""Initial use of an entry. It is so small that entries which the first batch does not use are revived at once. So a
codebook starts on the data."""


@final
class Codebook(nn.Module):
    """K vectors. A vector is replaced by the nearest of them.

    With ``ema``, an entry is the exponential moving average of the vectors that used it. Only sums and counts are kept,
    so several processes give the same means as one with all data. With ``gradient``, entries are parameters that a
    penalty moves. Unused ones then stay unused, since the moments of an optimizer would outlast a reset.

    Args:
        entries: Number K of entries.
        channels: Number of channels D.
        learn: Method, ``ema`` or ``gradient``.
        commitment: Weight per cell of the squared distance that pulls a vector to its entry.
        decay: Decay of the sums per step (``ema``).
        revive: Share of uniform use below which an entry is moved to a vector of the batch (``ema``).
        anchored: Whether entry 0 is fixed to the zero vector.

    Source: Neural Discrete Representation Learning (van den Oord et al., 2017), eq. 3 and appendix A.1,
    arXiv:1711.00937; revival: SoundStream (Zeghidour et al., 2021), section III.C, arXiv:2107.03312.
    """

    entries: nn.Parameter | None
    counts: Tensor
    sums: Tensor

    def __init__(
        self,
        entries: int,
        channels: int,
        learn: str = "ema",
        commitment: float = 0.25,
        decay: float = 0.99,
        revive: float = 0.05,
        anchored: bool = False,
    ) -> None:
        super().__init__()
        self.commitment, self.decay, self.revive, self.anchored = commitment, decay, revive, anchored
        learnt = entries - 1 if anchored else entries
        if learn == "gradient":
            self.entries = nn.Parameter(torch.empty(learnt, channels))
            nn.init.uniform_(self.entries, -1 / entries, 1 / entries)
        else:
            self.register_parameter("entries", None)
            self.register_buffer("counts", torch.full((learnt,), TRACE))
            self.register_buffer("sums", TRACE * (2 * torch.rand(learnt, channels) - 1) / entries)

    def table(self) -> Tensor:
        """Returns the entries, (K, D)."""
        learnt = self.sums.float() / self.counts.float()[:, None] if self.entries is None else self.entries.float()
        return F.pad(learnt, (0, 0, 1, 0)) if self.anchored else learnt

    def forward(self, vectors: Tensor) -> Quantised:
        """Quantises vectors (N, D). In training it also updates the entries. The values carry no gradient."""
        table = self.table()
        apart = (table.detach() ** 2).sum(1) - 2 * vectors.detach() @ table.detach().T
        codes = apart.argmin(1)
        values = table[codes]
        penalties = {"commitment": self.commitment * ((vectors - values.detach()) ** 2).sum(1)}
        if self.entries is not None:
            penalties["codebook"] = ((vectors.detach() - values) ** 2).sum(1)
        elif self.training:
            self._learn(vectors.detach(), codes)
        return Quantised((codes,), values.detach(), penalties)

    @torch.no_grad()
    def _learn(self, vectors: Tensor, codes: Tensor) -> None:
        if not vectors.isfinite().all():  # the step will be skipped, and must leave no trace
            return
        first = int(self.anchored)
        counts = vectors.new_zeros(len(self.counts) + first).index_add(0, codes, vectors.new_ones(len(codes)))
        sums = vectors.new_zeros(len(counts), vectors.shape[1]).index_add(0, codes, vectors)
        self.counts.lerp_(counts[first:].to(self.counts), 1 - self.decay)
        self.sums.lerp_(sums[first:].to(self.sums), 1 - self.decay)
        uniform = self.counts.mean()
        dead = self.counts < self.revive * uniform
        chosen = vectors[torch.randint(len(vectors), (len(dead),), device=vectors.device)].to(self.sums)
        self.counts.copy_(torch.where(dead, uniform, self.counts))
        self.sums.copy_(torch.where(dead[:, None], uniform * chosen, self.sums))

    def centre(self) -> int:
        """Returns the index of the entry nearest to the mean of all entries."""
        table = self.table()
        return int(((table - table.mean(0)) ** 2).sum(1).argmin())
