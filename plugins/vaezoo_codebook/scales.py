"""Codebooks at several scales, coarse to fine. The vectors of a scale depend on the coarser codes.

    evidence 1/8 ─ read ─ quantise ─ e_top ─ join ─ state 1/8
                                                       │ rise
    evidence 1/4 ──────── read ◄───────────────────────┤
                           └─ quantise ─ e_bottom ─ join ─ state 1/4 ─► decoder

How it differs from Razavi's network: a single path takes the coarse codes down, for the finer level's encoder and for
the decoder, while the paper has a path for each. The decoder proper begins after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import Context, Dirac, Latents, Noise, Posterior, Prior, Pyramid, repeat_rows
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts

from .facts import CodebooksPriorConfig
from .prior import CodebookPrior
from .vector import VQPrior


@final
class CodebookLevel(nn.Module):
    """One scale: computes vectors from evidence and coarser state, quantises them, and adds them to the state.

    Args:
        book: Codebook prior that quantises this scale's vectors. It has the scale's stride.
        width: Number of channels of evidence and state.
        above: Number of channels of the coarser state; None at the top.
        factor: Number of cells of this scale along a side of a coarser cell.
    """

    book: CodebookPrior

    def __init__(self, book: CodebookPrior, width: int, above: int | None, factor: int = 1) -> None:
        super().__init__()
        self.book = book
        self.rise = None if above is None else nn.ConvTranspose2d(above, width, factor, factor)
        known = 0 if above is None else width
        self.read = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(width + known, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, book.latent_channels, 1),
        )
        self.join = nn.Conv2d(book.latent_channels + known, width, 3, padding=1)

    def enter(self, state: Tensor | None) -> tuple[Tensor, ...]:
        """Returns the coarser state at this scale, (N, width, h, w), in a tuple; empty at the top."""
        return () if self.rise is None or state is None else (self.rise(F.silu(state)),)

    def vectors(self, known: tuple[Tensor, ...], evidence: Tensor) -> Tensor:
        """Returns the vectors to quantise, (B, D, h, w)."""
        read: Tensor = self.read(torch.cat([evidence, *known], 1))
        return read

    def leave(self, known: tuple[Tensor, ...], values: Tensor) -> Tensor:
        """Returns the state (N, width, h, w) after the quantised vectors (N, D, h, w) are added."""
        state: Tensor = self.join(torch.cat([values, *known], 1))
        return state


@final
class ScaledCodebookPrior(Prior):
    """A uniform prior over the codes of several scales.

    Vectors of a scale are computed after the coarser ones were quantised, so its codes add what those missed. Every
    cell of every scale costs exactly log K nats; see :mod:`vaezoo_codebook.prior`. Penalties are named by level, 0 at
    the top: ``commitment_0``, ``commitment_1``.

    Args:
        levels: Levels, coarse to fine.

    Source: Generating Diverse High-Fidelity Images with VQ-VAE-2 (Razavi et al., 2019), section 3.1, algorithm 1,
    arXiv:1906.00446.
    """

    def __init__(self, levels: Sequence[CodebookLevel]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(levels)

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.infer`. Codes are deterministic, so all K samples are equal.

        Raises:
            IncompatibleParts: The belief is not a pyramid with one feature map per level.
        """
        if not isinstance(belief, Pyramid) or len(belief.features) != len(self.levels):
            came = f"{len(belief.features)} features" if isinstance(belief, Pyramid) else type(belief).__name__
            raise IncompatibleParts(
                f"ScaledCodebookPrior takes a pyramid of {len(self.levels)} features, but the encoder gives {came}.",
                hint="Use an encoder that gives a pyramid.",
                value=came,
            )
        state, found = None, []
        for level, evidence in zip(self._levels(), belief.features, strict=True):
            known = level.enter(state)
            found.append(level.book.infer(Dirac(level.vectors(known, evidence)), context))
            state = level.leave(known, found[-1].state)
        return _joined(found, state, k)

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.sample`. Each level draws like :meth:`CodebookPrior.sample`."""
        state, found = None, []
        for index, level in enumerate(self._levels()):
            found.append(level.book.draw(context, k, noise or Noise(), index))
            state = level.leave(level.enter(state), found[-1].state)
        return _joined(found, state, 1)

    def look_up(self, codes: Sequence[Tensor]) -> Tensor:
        """Returns the state for codes.

        Args:
            codes: Codes of each codebook, coarse to fine, int64 (N, h, w), as in :attr:`vaezoo.core.Latents.codes`.
        """
        state, left = None, list(codes)
        for level in self._levels():
            mine, left = left[: len(level.book.sizes)], left[len(level.book.sizes) :]
            rows, height, width = mine[0].shape
            values = level.book.look_up(tuple(each.flatten() for each in mine)).view(rows, height, width, -1)
            state = level.leave(level.enter(state), values.movedim(-1, 1).to(level.join.weight.dtype))
        return _whole(state)

    def _levels(self) -> list[CodebookLevel]:
        return [level for level in self.levels if isinstance(level, CodebookLevel)]


def _whole(state: Tensor | None) -> Tensor:
    if state is None:
        raise IncompatibleParts("ScaledCodebookPrior has no levels.", value=0)
    return state


def _joined(found: Sequence[Latents], state: Tensor | None, k: int) -> Latents:
    """Joins the latents of all levels, with each sample repeated k times."""
    state = repeat_rows(_whole(state), k)
    log_p = torch.stack([one.log_p for one in found if one.log_p is not None]).sum(0)
    log_q = [one.log_q for one in found if one.log_q is not None]
    penalties: Mapping[str, Tensor] = {
        f"{name}_{index}": penalty for index, one in enumerate(found) for name, penalty in one.penalties.items()
    }
    return Latents(
        tuple(z.repeat(k, *[1] * (z.dim() - 1)) for one in found for z in one.z),
        state,
        tuple(rate for one in found for rate in one.rate),
        log_p.repeat(k, 1),
        torch.stack(log_q).sum(0).repeat(k, 1) if log_q else None,
        tuple(codes for one in found for codes in one.codes),
        penalties,
    )


@accepts_keywords(CodebooksPriorConfig)
def codebooks_prior(config: CodebooksPriorConfig) -> ScaledCodebookPrior:
    """Makes codebooks at the scales of a bottom-up encoder.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """
    levels: list[CodebookLevel] = []
    above: int | None = None
    coarser = 2 ** len(config.widths)
    for scale in reversed(range(len(config.widths))):
        for _ in range(config.depths[scale]):
            stride = 2 ** (scale + 1)
            book = VQPrior(
                config.code_channels,
                stride,
                config.entries,
                config.learn,
                config.commitment,
                config.decay,
                config.revive,
            )
            levels.append(CodebookLevel(book, config.widths[scale], above, coarser // stride))
            above, coarser = config.widths[scale], stride
    return ScaledCodebookPrior(levels)
