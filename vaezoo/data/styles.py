"""Procedural styles of gray images, given by five numbers: slant, thickness, contrast, texture and colour.

`vaezoo.train.data` draws the styles of a batch.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

FACTORS = ("slant", "thickness", "contrast", "texture", "colour")
"""Names of the numbers of a code, each in [-1, 1]. All 0 is the plain image, apart from colour."""

PRESETS = (
    (0.0, 0.0, 0.0, 0.0, 0.0),
    (-0.9, 0.0, 0.0, 0.0, -0.8),
    (0.9, 0.0, 0.0, 0.0, 0.8),
    (0.0, 0.9, 0.0, 0.0, -0.4),
    (0.0, -0.9, 0.6, 0.0, 0.4),
    (0.0, 0.0, -0.9, 0.0, 1.0),
    (0.0, 0.0, 0.0, -0.9, -1.0),
    (0.0, 0.0, 0.0, 0.9, 0.6),
)
"""Codes of the style classes. The first is the plain style."""


def restyle(gray: Tensor, code: Tensor, *, colour: bool = False) -> Tensor:
    """Applies styles to images.

    The steps are: a shear by up to 0.4 pixels per row; a dilation or erosion by one pixel, blended in; grey levels to a
    power of 2^±1.2; dark stripes over bright areas, along one of the diagonals; a tint from red over green to blue.

    Args:
        gray: Images (B, 1, H, W) in [0, 1].
        code: Codes (B, 5): the numbers of `FACTORS`, in [-1, 1].
        colour: Whether the result has three channels. Without, the last number has no effect.

    Returns:
        Images (B, 3 or 1, H, W) in [0, 1], fp32, with 8-bit levels. They are computed in double precision and rounded.
        In single precision, the last bits of an image would depend on the number of images.
    """
    gray = gray.double()
    slant, thickness, contrast, texture, hue = code.to(gray).view(*code.shape, 1, 1, 1).unbind(1)
    rows, columns = gray.shape[-2:]
    shear = gray.new_zeros(len(gray), 2, 3)
    shear[:, 0, 0] = shear[:, 1, 1] = 1
    shear[:, 0, 1] = 0.4 * slant.flatten() * rows / columns
    grid = F.affine_grid(shear, [len(gray), 1, rows, columns], align_corners=False)
    image = F.grid_sample(gray, grid, align_corners=False)
    thick, thin = F.max_pool2d(image, 3, 1, 1), -F.max_pool2d(-image, 3, 1, 1)
    image = torch.lerp(image, torch.where(thickness > 0, thick, thin), thickness.abs())
    image = image.clamp(0, 1) ** torch.exp2(-1.2 * contrast)
    down, right = torch.meshgrid(
        torch.arange(rows, device=gray.device), torch.arange(columns, device=gray.device), indexing="ij"
    )
    along = torch.where(texture > 0, (right + down).to(gray), (right - down).to(gray))
    image = image * (1 - 0.8 * texture.abs() * (0.5 + 0.5 * torch.sin(2 * math.pi * along / 5)))
    if colour:
        turn = (hue + 1) / 3 - torch.arange(3, device=gray.device).view(1, 3, 1, 1) / 3
        image = image * (0.6 + 0.4 * torch.cos(2 * math.pi * turn))
    # Not at the half: mixtures of levels by tenths often lie there, and the last bit would decide.
    return image.clamp(0, 1).mul(255).add(0.5137).floor().div(255).float()


def draw_styles(count: int, kind: str, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
    """Draws codes (count, 5). For the kind ``class`` it also returns the index of each preset, (count,) int64."""
    if kind == "class":
        chosen = torch.randint(len(PRESETS), (count,), generator=generator)
        return torch.tensor(PRESETS)[chosen], chosen
    return torch.rand(count, len(FACTORS), generator=generator) * 2 - 1, None
