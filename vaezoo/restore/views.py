"""A picture in eight views, its quarter turns and theirs in a mirror, and what a model makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from vaezoo.core.shapes import pad_to_stride

VIEWS = 8


def turn(image: Tensor, view: int) -> Tensor:
    """Returns a view (..., H, W) or (..., W, H) of images (..., H, W): so many quarter turns, mirrored from 4 to 7."""
    image = torch.rot90(image, view, (-2, -1))
    return image.flip(-1) if view >= VIEWS // 2 else image


def turn_back(image: Tensor, view: int) -> Tensor:
    """Returns the images of which :func:`turn` made a view."""
    return torch.rot90(image.flip(-1) if view >= VIEWS // 2 else image, -view, (-2, -1))


def other_views(
    restore: Callable[..., Any],
    y: Tensor,
    cond: Mapping[str, Tensor],
    stride: int,
    size: tuple[int, int] | None = None,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Yields what a model makes of all views but the first, turned back.

    The picture is padded before it is turned, so that the cells of a tile are those of the whole picture in every view.
    What the model makes may be a whole factor larger.

    Args:
        restore: The model's, from y and ``cond`` to an object with ``image`` and ``scale``, which may be None.
        y: (B, C, H, W).
        cond: Its conditions. Images are turned too, those of y's size padded as y is; what has no sides stays.
        stride: The model's.
        size: The only height and width that it takes, if so; views of other sizes are left out.

    Yields:
        Image and scale, (B, C, H, W) or as many times larger, the scale as the model gives it.

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
