"""Measures noise of an image, known or estimated from the image alone: its level, luma and colour, and grain size."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.image.chroma import WEIGHTS, split_luma

BLOCK, FLAT = 16, 0.2
"""Side of the blocks that an estimate uses, in pixels, and the share of them, the flattest, that counts."""
TERMS = 6
"""Number of terms of a quadratic surface."""
WINDOW = 31
"""Side in pixels of the area over which a local level is averaged."""
AREA = 8
"""Side in pixels of the areas whose means tell the size of grain."""
FAINT = 4.0
"""Noise level, in grey levels, below which whiteness cannot be decided."""
FINE, COLOURED, COARSEST = 0.08, 0.12, 1.15
"""Tolerances of white noise: its share in the finest details, its colour, and its largest grain in pixels."""


class NoiseReport(NamedTuple):
    """Strength and coarseness of noise.

    Attributes:
        levels: Root mean square over all channels, in grey levels of 255.
        luma_levels: Root mean square of its luma.
        chroma_levels: Root mean square of what it adds to luma, over all channels; 0 for gray.
        grain_pixels: Side of the square over which noise is correlated, in pixels: 1 for white noise, 8 at most.
    """

    levels: float
    luma_levels: float
    chroma_levels: float
    grain_pixels: float


def describe_noise(noise: Tensor) -> NoiseReport:
    """Measures known noise, such as what a model removed.

    Args:
        noise: Noise (1, C, H, W) with C 1 or 3, in units of the pixel value.
    """
    power = noise.float().square().mean()
    luma, chroma = split_luma(noise.float())
    sides = [min(AREA, side) for side in noise.shape[2:]]
    means = F.avg_pool2d(noise.float(), sides)  # type: ignore[arg-type]
    grain = (sides[0] * sides[1] * means.square().mean() / power.clamp_min(1e-12)).sqrt()
    return NoiseReport(_levels(power), _levels(luma.square().mean()), _levels(chroma.square().mean()), _grain(grain))


def estimate_noise(y: Tensor) -> NoiseReport:
    """Estimates the noise of an image from its flattest blocks, also if demosaicing or JPEG made it coarse.

    A block's noise is what remains when a quadratic surface is subtracted. The bias from selecting the flattest blocks
    is corrected as for normal noise. Fine texture all over an image counts as noise. Noise coarser than a block is
    missed. Blocks with black or white pixels do not count, unless there are no others.

    Args:
        y: Image (1, C, H, W) with C 1 or 3, in [0, 1]. Below four blocks, `noise_level` is used, as white noise.
    """
    if y.shape[2] * y.shape[3] < 4 * BLOCK**2 or min(y.shape[2:]) < BLOCK:
        level = 255 * noise_level(y)
        share = sum(weight**2 for weight in WEIGHTS) ** 0.5 if y.shape[1] == 3 else 1.0
        return NoiseReport(level, share * level, (1 - share**2) ** 0.5 * level, 1.0)
    blocks = _blocks(y.float())
    ends = ((blocks <= 0.5 / 255) | (blocks >= 254.5 / 255)).float().mean((1, 2, 3)) > 0.1
    blocks = blocks[~ends] if not bool(ends.all()) else blocks
    rest = _without_surface(blocks)
    order = rest.square().mean((1, 2, 3)).argsort()
    chosen = rest[order[: max(1, round(FLAT * len(order)))]]
    luma, chroma = split_luma(chosen)
    power = chosen.square().mean()
    halves = F.avg_pool2d(chosen, BLOCK // 4)
    grain = (BLOCK // 4) * (halves.square().mean() / power.clamp_min(1e-12)).sqrt()
    cells = BLOCK**2 / max(1.0, grain.item()) ** 2 * _independent(chosen)
    lost = 1 - 1.4 * (2 / cells) ** 0.5 if len(order) > 1 / FLAT else 1.0
    back = 1 / max(0.3, lost) * BLOCK**2 / (BLOCK**2 - TERMS)
    total, light, colour = (_levels(part.square().mean() * back) for part in (chosen, luma, chroma))
    return NoiseReport(total, light, colour, _grain(grain))


def is_white(y: Tensor, noise: NoiseReport) -> bool:
    """Says whether an image's noise is strong and white: independent between pixels and between channels.

    Then its finest diagonal details are as strong as its coarser ones, and its colour is √(1 + 1/(3 Σw²)) as strong as
    its luma, where w are the weights of luma. Demosaicing, noise reduction, resizing and JPEG change one or the other.
    If fine texture hides it, the answer is no.

    Args:
        y: Image (1, C, H, W) with C 1 or 3, in [0, 1].
        noise: Result of `estimate_noise` for the image.
    """
    if noise.levels < FAINT or noise.grain_pixels > COARSEST:
        return False
    if abs(255 * noise_level(y) / noise.levels - 1) > FINE:
        return False
    if y.shape[1] == 1:
        return True
    usual = (1 + 1 / (3 * sum(weight**2 for weight in WEIGHTS))) ** 0.5
    return abs(noise.chroma_levels / max(noise.luma_levels, 1e-6) / usual - 1) <= COLOURED


def _levels(power: Tensor) -> float:
    return round(255 * power.sqrt().item(), 3)


def _grain(side: Tensor) -> float:
    return round(min(max(side.item(), 1.0), float(AREA)), 2)


def _blocks(y: Tensor) -> Tensor:
    """Splits an image into blocks (N, C, BLOCK, BLOCK)."""
    channels, height, width = y.shape[1], y.shape[2] // BLOCK, y.shape[3] // BLOCK
    whole = y[0, :, : height * BLOCK, : width * BLOCK]
    parts = whole.reshape(channels, height, BLOCK, width, BLOCK).permute(1, 3, 0, 2, 4)
    return parts.reshape(-1, channels, BLOCK, BLOCK)


def _without_surface(blocks: Tensor) -> Tensor:
    """Subtracts the best-fitting quadratic surface from each block."""
    ramp = torch.linspace(-1, 1, BLOCK, dtype=torch.float64)
    down, right = torch.meshgrid(ramp, ramp, indexing="ij")
    terms = torch.stack([down**0, down, right, down * right, down**2, right**2], -1).reshape(-1, TERMS)
    basis = torch.linalg.qr(terms)[0].to(blocks)  # (pixels, terms), orthonormal
    values = blocks.flatten(2)
    return (values - (values @ basis) @ basis.mT).view_as(blocks)


def _independent(rest: Tensor) -> float:
    """Returns the effective number of independent channels: C if all are independent, 1 if they are equal."""
    rows = rest.transpose(0, 1).flatten(1)
    covariance = rows @ rows.mT
    return (covariance.trace() ** 2 / covariance.square().sum().clamp_min(1e-12)).clamp_min(1.0).item()


def mean_around(values: Tensor, reach: int) -> Tensor:
    """Returns the mean over a square of side 2·reach + 1 around each value (B, C, H, W), within the image."""
    side = 2 * reach + 1
    rows = F.avg_pool2d(values, (side, 1), 1, (reach, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, side), 1, (0, reach), count_include_pad=False)


def local_level(noise: Tensor) -> Tensor:
    """Returns the local root mean square of noise (B, C, H, W), over channels and surrounding pixels, (B, 1, H, W)."""
    return mean_around(noise.square().mean(1, keepdim=True), WINDOW // 2).sqrt()


def noise_level(y: Tensor) -> float:
    """Estimates the standard deviation of white noise from the finest diagonal details of an image.

    Texture counts as noise, so the result is above 0 even for clean images. Noise smoothed by JPEG counts less.

    Args:
        y: Image (1, C, H, W) of at least 2×2 pixels. Smaller ones give 0.

    Returns:
        Median over channels, in units of the pixel value.

    Source: Ideal spatial adaptation by wavelet shrinkage (Donoho and Johnstone, 1994), with the Haar wavelet.
    """
    height, width = (side - side % 2 for side in y.shape[-2:])
    if min(height, width) < 2:
        return 0.0
    a, b, c, d = (y[..., i:height:2, j:width:2] for i in (0, 1) for j in (0, 1))
    details = ((a - b - c + d) / 2).abs().flatten(2)
    return details.median(2).values.median().item() / 0.6745  # the median of |N(0, 1)|


def camera_noise(x: Tensor, noise: Tensor, sigma: float, light: float) -> Tensor:
    """Adds noise like that of a camera's file: it grows with the light, is clipped to [0, 1] and rounded to 8 bits.

    Its variance is σ² ((1 − s) + 2s·x), hence σ² at half of full white.

    Args:
        x: Clean image of any shape, in [0, 1].
        noise: Standard normal noise, of the same shape.
        sigma: Standard deviation σ, in units of the pixel value.
        light: Share s in [0, 1] of the variance that grows with the light.

    Source: Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data (Foi et al., 2008),
    section II, with a Gaussian for the Poisson part.
    """
    deviation = sigma * ((1 - light) + 2 * light * x).sqrt()
    return torch.addcmul(x, deviation, noise).clamp_(0, 1).mul_(255).round_().div_(255)
