"""The eight views of an image, by rotation and mirroring, and a model's results for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from vaezoo.core.shapes import pad_to_stride

VIEWS = 8


def turn(image: Tensor, view: int) -> Tensor:
    """Returns a view of images (..., H, W): rotated by ``view`` quarter turns, and mirrored from 4 on."""
    image = torch.rot90(image, view, (-2, -1))
    return image.flip(-1) if view >= VIEWS // 2 else image


def turn_back(image: Tensor, view: int) -> Tensor:
    """Undoes :func:`turn`."""
    return torch.rot90(image.flip(-1) if view >= VIEWS // 2 else image, -view, (-2, -1))


def other_views(
    restore: Callable[..., Any],
    y: Tensor,
    cond: Mapping[str, Tensor],
    stride: int,
    size: tuple[int, int] | None = None,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Yields a model's result for each view but the first, turned back.

    The image is padded before it is turned, so that the cells of a tile are those of the whole image in every view.
    Results may be larger by a whole factor.

    Args:
        restore: The model's function from y and ``cond`` to an object with ``image`` and ``scale``; ``scale`` may be
            None.
        y: Degraded images (B, C, H, W).
        cond: Conditions. Images among them are turned too; those of y's size are padded like y.
        stride: Stride of the model.
        size: The only (H, W) that the model takes, or None. Views of other sizes are left out.

    Yields:
        Image and scale, (B, C, H, W) or larger by a whole factor. The scale may be None.

    Source: Seven ways to improve example-based single image super resolution (Timofte et al., 2016), arXiv:1511.02228.
    """
    rows, columns = y.shape[-2:]
    padded = pad_to_stride(y, stride, mirror=True)
    planes = {n: pad_to_stride(c, stride, mirror=True) if c.shape[-2:] == y.shape[-2:] else c for n, c in cond.items()}
    for view in range(1, VIEWS):
        seen = turn(padded, view)
        if size not in (None, tuple(seen.shape[-2:])):
            continue
        turned = {name: turn(plane, view) if plane.ndim == 4 else plane for name, plane in planes.items()}
        found = restore(seen, cond=turned) if turned else restore(seen)
        image, scale = turn_back(found.image, view), None if found.scale is None else turn_back(found.scale, view)
        factor = image.shape[-2] // padded.shape[-2]
        here = (..., slice(factor * rows), slice(factor * columns))
        yield image[here], None if scale is None else scale[here]
