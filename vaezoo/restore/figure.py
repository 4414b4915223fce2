"""The figure of an enhancement: before, after and uncertainty."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaezoo.errors import ImageError, ShapeError
from vaezoo.files.atomic import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACCENT = "#ff5a36"
_LONGEST = 1600


def draw_comparison(before: np.ndarray, after: np.ndarray, uncertainty: np.ndarray | None) -> Figure:
    """Draws before, after and uncertainty side by side, with an enlarged detail below.

    The detail is the square with the most structure. A frame shows its place.

    Args:
        before: Image before, (H, W, C) with C 1 or 3, in [0, 1]. Values outside are clipped.
        after: Image after, of the same shape.
        uncertainty: Standard deviation, (H, W), in units of the pixel value. It is drawn in grey levels, times 255.
            None omits it.

    Raises:
        ShapeError: The shapes differ.
    """
    if before.ndim != 3 or before.shape[2] not in (1, 3) or after.shape != before.shape:
        raise ShapeError(
            f"Expected two images of one shape (H, W, 1 or 3), got {before.shape} and {after.shape}.",
            value=(before.shape, after.shape),
        )
    if uncertainty is not None and uncertainty.shape != before.shape[:2]:
        raise ShapeError(
            f"Expected an uncertainty of shape {before.shape[:2]}, got {uncertainty.shape}.",
            value=uncertainty.shape,
        )
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.patches import Rectangle

    height, width = before.shape[:2]
    columns = 2 if uncertainty is None else 3
    top, left, side = _most_structured_square(after)
    ratio = min(max(height / width, 0.3), 2.5)
    across = 4.0
    layout = ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.04, wspace=0.01, hspace=0.02)
    figure = Figure(figsize=(across * columns + 0.9, across * (ratio + 1) + 0.6), layout=layout)
    axes = figure.subplots(2, columns, squeeze=False, height_ratios=[ratio, 1])
    shrink = slice(None, None, math.ceil(max(height, width) / _LONGEST))
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    detail = (slice(top, top + side), slice(left, left + side))
    for column, (title, image) in enumerate((("before", before), ("after", after))):
        axes[0, column].set_title(title, fontsize=13)
        shown, gray = _displayable(image), {"cmap": "gray", "vmin": 0, "vmax": 1}
        axes[0, column].imshow(shown[shrink, shrink], extent=extent, **gray)
        axes[1, column].imshow(shown[detail], interpolation="nearest", **gray)
    if uncertainty is not None:
        levels = uncertainty * 255
        heat = {"cmap": "magma", "vmin": 0, "vmax": max(float(np.percentile(levels, 99.5)), 1e-3)}
        axes[0, 2].set_title("uncertainty", fontsize=13)
        axes[0, 2].imshow(levels[shrink, shrink], extent=extent, **heat)
        drawn = axes[1, 2].imshow(levels[detail], interpolation="nearest", **heat)
        bar = figure.colorbar(drawn, ax=axes[:, 2], extend="max", fraction=0.06, pad=0.03)
        bar.set_label("standard deviation, grey levels (of 255)", fontsize=11)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    for axis in axes[0]:
        axis.spines[:].set_visible(False)
        axis.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, ec=_ACCENT, lw=1.5))
    for axis in axes[1]:
        axis.spines[:].set(color=_ACCENT, linewidth=2)
    return figure


def write_figure(
    path: str | os.PathLike[str],
    before: np.ndarray,
    after: np.ndarray,
    uncertainty: np.ndarray | None,
    *,
    replace: bool = True,
) -> None:
    """Writes the figure of `draw_comparison` in the format of the path's suffix, such as PNG or PDF.

    Args:
        path: Path of the figure.
        before: Image before, as for `draw_comparison`.
        after: Image after, as for `draw_comparison`.
        uncertainty: Standard deviation, as for `draw_comparison`.
        replace: Whether an existing file may be replaced, even one that appeared a moment ago.

    Raises:
        ConfigError: The file exists and may not be replaced.
        ImageError: The file cannot be written, or the suffix is not a known format.
        ShapeError: The shapes differ.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = draw_comparison(before, after, uncertainty)
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    try:
        figure.savefig(content, dpi=150, format=Path(path).suffix.lstrip(".") or "png")
    except ValueError as error:
        raise ImageError(f"The figure {path} cannot be written: {error}.", value=str(path)) from error
    write_whole(Path(path), content.getvalue(), replace=replace, error=ImageError)


def _most_structured_square(image: np.ndarray) -> tuple[int, int, int]:
    """Returns top, left and side of the square with the largest mean gradient, on a grid of quarter sides."""
    height, width = image.shape[:2]
    side = min(height, width, max(96, min(height, width) // 5))
    gray = image.mean(2)
    gradient = np.zeros(gray.shape)
    gradient[:-1] += np.abs(np.diff(gray, axis=0))
    gradient[:, :-1] += np.abs(np.diff(gray, axis=1))
    total = np.pad(gradient.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    step = max(1, side // 4)
    tops, lefts = np.arange(0, height - side + 1, step), np.arange(0, width - side + 1, step)
    low, right = tops + side, lefts + side
    sums = (
        total[np.ix_(low, right)] - total[np.ix_(tops, right)] - total[np.ix_(low, lefts)]
        + total[np.ix_(tops, lefts)]
    )  # fmt: skip
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    return int(tops[row]), int(lefts[column]), side


def _displayable(image: np.ndarray) -> np.ndarray:
    return (image[..., 0] if image.shape[2] == 1 else image).clip(0, 1)
