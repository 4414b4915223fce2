"""Grids of images: samples, or reconstructions below their originals."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vaezoo.errors import ImageError, ShapeError
from vaezoo.files.atomic import make_folder, write_whole

_GAP = 2


def draw_grid(rows: Sequence[Sequence[Tensor]], *, zoom: int = 1) -> Image.Image:
    """Draws rows of images on white, each at the top left of its cell.

    Args:
        rows: Images (C, H, W) with C 1 or 3, in [0, 1], of any sizes. Values outside are clipped. Rows may have
            different lengths.
        zoom: Side in pixels of the square that a pixel becomes.

    Raises:
        ShapeError: There are no images, or one is not such a tensor.
    """
    images = [image for row in rows for image in row]
    for image in images:
        if image.ndim != 3 or image.shape[0] not in (1, 3):
            raise ShapeError(f"Expected images (1 or 3, H, W), got {tuple(image.shape)}.", value=tuple(image.shape))
    if not images:
        raise ShapeError("Expected at least one image for a grid, got none.", value=rows)
    height = max(image.shape[1] for image in images) * zoom + _GAP
    width = max(image.shape[2] for image in images) * zoom + _GAP
    columns = max(len(row) for row in rows)
    colours = max(image.shape[0] for image in images)
    canvas = torch.ones(colours, height * len(rows) + _GAP, width * columns + _GAP)
    for row, line in enumerate(rows):
        for column, image in enumerate(line):
            large = image.detach().cpu().float().repeat_interleave(zoom, 1).repeat_interleave(zoom, 2)
            top, left = row * height + _GAP, column * width + _GAP
            canvas[:, top : top + large.shape[1], left : left + large.shape[2]] = large
    levels = canvas.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(levels[..., 0] if colours == 1 else np.ascontiguousarray(levels))


def write_grid(path: str | os.PathLike[str], rows: Sequence[Sequence[Tensor]], *, zoom: int = 1) -> None:
    """Writes the grid of `draw_grid` in the format of the path's suffix. Creates its folder.

    Raises:
        ShapeError: As for `draw_grid`.
        ImageError: The file cannot be written, or the suffix is not a known format.
    """
    path, content = Path(path), io.BytesIO()
    form = Image.registered_extensions().get(path.suffix.lower())
    if form not in Image.SAVE:
        raise ImageError(f"The figure {path} cannot be written: {path.suffix!r} names no format.", value=str(path))
    draw_grid(rows, zoom=zoom).save(content, form, optimize=True)
    make_folder(path.parent, ImageError)
    write_whole(path, content.getvalue(), error=ImageError)
