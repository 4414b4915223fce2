"""The networks of a conditional ladder VAE that restores.

    y ─ unshuffle ─ blocks 1/2 ─ blocks 1/4 ─ blocks 1/8          conditioner, once per image
                       │            │            │
    x̂ = y + r ◄─ level 1/2 ◄─ level 1/4 ◄─ level 1/8              prior: z at each level
                       ▲            ▲            ▲
          [y, x] ─ evidence 1/2 ─ 1/4 ─ 1/8                       encoder, in training only

Blocks have no normalisation and no image statistics, so the output for a tile equals that for the whole image. Edges
are repeated, not zero: small patches and zero borders cost half a decibel and more on whole images. How it differs from
Sønderby's ladder: the bottom-up pass is split into a large deterministic one over y and a small one over x, and the
posterior is the prior plus a correction that starts at zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import (
    Conditioner,
    Context,
    Decoder,
    DiagonalGaussian,
    Encoder,
    LadderPrior,
    Level,
    Likelihood,
    LikelihoodHead,
    Pyramid,
    Revision,
    bound_logvar,
)
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import ShapeError

from .blocks import BottomUp, add_into, chain, conv3
from .correction import REVISION, corrected
from .detail import DetailBranch
from .facts import (
    LadderPriorConfig,
    PyramidConditionerConfig,
    PyramidEncoderConfig,
    ResidualDecoderConfig,
)

LEVEL_GAIN = 4.0
"""Gain of noise levels, like that of pixels in :func:`centred`."""


def centred(image: Tensor, unshuffle: int) -> Tensor:
    """Maps pixels from [0, 1] to [−2, 2], and squares of ``unshuffle`` pixels a side to channels of one cell."""
    return F.pixel_unshuffle((image - 0.5) * 4, unshuffle)


@final
class NoiseLevel(nn.Module):
    """Adds a known noise level to the first features, by a 3×3 convolution in their cells.

    Args:
        width: Number of channels of the features.
        cell: Side of their cells in pixels.
    """

    def __init__(self, width: int, cell: int = 2) -> None:
        super().__init__()
        self.cell = cell
        self.unknown = nn.Parameter(torch.zeros(()))
        self.tell = conv3(1, width)

    def start_as_identity(self) -> None:
        """Makes it add nothing, so that a blind model's weights can be trained further with it."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, y: Tensor, sigma: Tensor | None) -> Tensor:
        """Returns (B, width, H/cell, W/cell), or (1, width, 1, 1) if no level is known.

        Args:
            y: Degraded image (B, C, H, W).
            sigma: Standard deviation of the noise in units of the pixel value, (B,) or a map (B, 1, H, W). NaN or None
                if unknown.

        Raises:
            ShapeError: ``sigma`` has another shape, or is negative or infinite.
        """
        rows, size = y.shape[0], (y.shape[2], y.shape[3])
        if sigma is None:
            constant = self.unknown.to(y.dtype).expand(1, 1, self.cell, self.cell)
            return self._tell(constant)
        if sigma.shape not in ((rows,), (rows, 1, *size)) or not sigma.is_floating_point():
            raise ShapeError(
                f"Expected sigma as floats of shape ({rows},) or {(rows, 1, *size)}, got {sigma.dtype} of "
                f"{tuple(sigma.shape)}.",
                value=tuple(sigma.shape),
            )
        if bool((sigma < 0).any()) or bool(torch.isinf(sigma).any()):
            wrong = sigma[(sigma < 0) | torch.isinf(sigma)][0].item()
            raise ShapeError(
                f"Expected sigma of at least 0, in units of the pixel value, or NaN where unknown, got {wrong}.",
                value=wrong,
            )
        level = torch.where(sigma.isnan(), self.unknown, LEVEL_GAIN * sigma.to(y.dtype))
        return self._tell(level[:, None, None, None].expand(rows, 1, *size) if level.ndim == 1 else level)

    def _tell(self, level: Tensor) -> Tensor:
        told: Tensor = self.tell(F.avg_pool2d(level, self.cell))
        return told


@final
class PyramidConditioner(Conditioner):
    """Features of the degraded image at 1/2, 1/4, 1/8 and so on, or from 1/4 on.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source of the map: FFDNet (Zhang et al., 2018), section III, arXiv:1710.04026; here it is added after the first
    convolution, and may be unknown.
    """

    @accepts_keywords(PyramidConditionerConfig)
    def __init__(self, config: PyramidConditionerConfig) -> None:
        super().__init__()
        self.channels = config.image_channels
        self.stride = config.unshuffle * 2 ** (len(config.widths) - 1)
        self.unshuffle = config.unshuffle
        self.bottom_up = BottomUp(
            config.unshuffle**2 * config.image_channels,
            config.widths,
            config.blocks,
            config.finest_blocks,
            config.block,
            config.recurrent,
        )
        self.level = NoiseLevel(config.widths[0], config.unshuffle) if config.tells else None
        self.takes = ("sigma",) if config.tells else ()

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        """See :meth:`vaezoo.core.Conditioner.forward`.

        Raises:
            ShapeError: The noise level is invalid; see :class:`NoiseLevel`.
        """
        extra = None if self.level is None else self.level(y, cond.get("sigma"))
        features = self.bottom_up(centred(y, self.unshuffle), extra)
        return Context(y.shape[0], (y.shape[2], y.shape[3]), image=y, features=features)


@final
class PyramidEncoder(Encoder):
    """Evidence from the clean and the degraded image, at the levels of the ladder.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(PyramidEncoderConfig)
    def __init__(self, config: PyramidEncoderConfig) -> None:
        super().__init__()
        self.channels = config.image_channels
        self.stride = config.unshuffle * 2 ** (len(config.evidence) - 1)
        self.unshuffle = config.unshuffle
        self.bottom_up = BottomUp(2 * config.unshuffle**2 * config.image_channels, config.evidence, 1)

    def forward(self, image: Tensor, context: Context) -> Pyramid:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        y = image if context.image is None else context.image
        return Pyramid(self.bottom_up(torch.cat([centred(y, self.unshuffle), centred(image, self.unshuffle)], 1)))


@final
class ResidualLevel(Level):
    """A level: p(z|h) by a 1×1 convolution, q = p + Δ, then z is added to the state, followed by blocks.

    Args:
        width: Number of channels of its state.
        above: Number of channels of the coarser level's state; None at the top.
        latents: Number of channels of z.
        evidence: Number of channels of the evidence.
        blocks: Number of blocks after z.
        stride: Pixels per cell.
        kind: Kind of the blocks.
        recurrent: Whether all blocks are the same block.
    """

    def __init__(
        self,
        width: int,
        above: int | None,
        latents: int,
        evidence: int,
        blocks: int,
        stride: int,
        kind: str = "residual",
        recurrent: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.up = None if above is None else nn.ConvTranspose2d(above, width, 2, stride=2)
        self.believe = nn.Conv2d(width, 2 * latents, 1)
        self.correct = conv3(width + evidence, 2 * latents)
        self.inject = nn.Conv2d(latents, width, 1)
        self.blocks = chain(width, blocks, kind, recurrent)
        self.revision = Revision(REVISION)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias) if self.correct.bias is not None else None

    def enter(self, state: Tensor | None, feature: Tensor | None) -> Tensor:
        """See :meth:`vaezoo.core.Level.enter`. At the top, the state is the feature."""
        up = self.up(state) if self.up is not None and state is not None else None
        parts = [p for p in (up, feature) if p is not None]
        return parts[0] if len(parts) == 1 else add_into(*parts)

    def prior(self, state: Tensor) -> DiagonalGaussian:
        """See :meth:`vaezoo.core.Level.prior`."""
        mean, logvar = self.believe(state).chunk(2, 1)
        return DiagonalGaussian(mean, bound_logvar(logvar))

    def posterior(self, state: Tensor, evidence: Tensor, prior: DiagonalGaussian) -> DiagonalGaussian:
        """See :meth:`vaezoo.core.Level.posterior`."""
        mean, logvar = self.correct(torch.cat([state, evidence], 1)).chunk(2, 1)
        return corrected(prior, mean, logvar, self.revision)

    def leave(self, state: Tensor, z: Tensor) -> Tensor:
        """See :meth:`vaezoo.core.Level.leave`."""
        out: Tensor = self.blocks(add_into(self.inject(z), state))
        return out


@accepts_keywords(LadderPriorConfig)
def ladder_prior(config: LadderPriorConfig) -> LadderPrior:
    """Makes a ladder of :class:`ResidualLevel`.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """
    aboves = [*config.widths[1:], None]
    levels = [
        ResidualLevel(
            width,
            above,
            config.latents[i],
            config.evidence[i],
            config.blocks,
            config.unshuffle * 2**i,
            config.block,
            config.recurrent,
        )
        for i, (width, above) in enumerate(zip(config.widths, aboves, strict=True))
    ]
    branch = DetailBranch(config.widths[0], config.latents[0], config.detail) if config.detail else None
    return LadderPrior(levels[::-1], detail=branch)


@final
class ResidualDecoder(Decoder):
    """A residual to the degraded image, and the width of its error, for each pixel.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    @accepts_keywords(ResidualDecoderConfig)
    def __init__(self, config: ResidualDecoderConfig) -> None:
        super().__init__()
        self.channels, self.stride = config.image_channels, config.unshuffle
        self.head = LikelihoodHead("gaussian", config.image_channels, "pixel")
        self.project = conv3(config.widths[0], config.unshuffle**2 * self.head.outputs)
        nn.init.zeros_(self.project.weight)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`."""
        likelihood: Likelihood = self.head(F.pixel_shuffle(self.project(state), self.stride), base=context.image)
        return likelihood
