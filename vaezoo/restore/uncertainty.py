"""Files with the uncertainty of an enhanced image: exact numbers, and a map to look at."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaezoo.errors import ImageError
from vaezoo.files.atomic import write_whole
from vaezoo.restore.enhanced import Enhanced
from vaezoo.restore.interval import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVEL = 90
_DPI, _BAR, _LEAST = 100, 1.1, 240
"""Dots per inch, such that a pixel of the image is a dot; inches for the colour scale; dots of height it needs."""
_WIDEST = 1600
"""Largest width in dots that a small image is enlarged to."""


def write_uncertainty(numbers: Path, picture: Path, enhanced: Enhanced, *, replace: bool = True) -> Interval:
    """Writes an enhancement's uncertainty as numbers and as an image. Returns the interval that was written.

    The numbers are a NumPy archive of float32 arrays, in units of the pixel value in [0, 1]. ``sd`` is the standard
    deviation of `Enhanced.sd`; ``lower`` and ``upper`` are the 90 % interval; all are (H, W, C). The archive also has
    ``level`` (percent), ``method`` and ``width``, as in `vaezoo.restore.Interval`, and ``factor``, the calibration's
    factor in ``sd``. It takes 12 bytes a value.

    Args:
        numbers: Path of the numbers, ending in ``.npz``.
        picture: Path of the image, ending in ``.png``.
        enhanced: Enhancement to write the uncertainty of.
        replace: Whether existing files may be replaced, even those that appeared a moment ago.

    Raises:
        ConfigError: A file exists and may not be replaced.
        ConfigError: The model predicts no standard deviation.
        ImageError: A file cannot be written.
    """
    interval = enhanced.interval(LEVEL)
    factor = 1.0 if enhanced.calibration is None else enhanced.calibration.factor
    sd, content = enhanced.sd, io.BytesIO()
    np.savez(
        content, sd=sd, lower=interval.lower, upper=interval.upper, level=interval.level, method=interval.method,
        width=interval.width, factor=factor,
    )  # fmt: skip
    drawn = io.BytesIO()
    draw_uncertainty(sd).savefig(drawn, format="png", dpi=_DPI)
    fresh = not os.path.lexists(numbers)
    write_whole(numbers, content.getvalue(), replace=replace, error=ImageError)
    try:
        write_whole(picture, drawn.getvalue(), replace=replace, error=ImageError)
    except BaseException:
        if fresh:
            numbers.unlink(missing_ok=True)
        raise
    return interval


def draw_uncertainty(sd: np.ndarray) -> Figure:
    """Draws a standard deviation (H, W, C) as its root mean square over channels, one dot per pixel, with a scale.

    The scale is in grey levels of 255, and ends where 0.5 % of the pixels exceed it. An image of fewer than 240 rows is
    enlarged, up to 1600 columns, so that it can be seen beside the scale.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    levels = 255 * np.sqrt(np.square(sd).mean(2))
    repeat = max(1, min(-(-_LEAST // levels.shape[0]), _WIDEST // levels.shape[1]))
    height, width = (side * repeat / _DPI for side in levels.shape)
    whole = max(height, _LEAST / _DPI)
    figure = Figure(figsize=(width + _BAR, whole))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 1 - height / whole, width / (width + _BAR), height / whole))
    axes.set_axis_off()
    top = max(float(np.percentile(levels, 99.5)), 1e-3)
    drawn = axes.imshow(levels, cmap="magma", vmin=0, vmax=top, interpolation="nearest", aspect="auto")
    beside = figure.add_axes(((width + 0.15) / (width + _BAR), 0.1, 0.2 / (width + _BAR), 0.8))
    figure.colorbar(drawn, cax=beside, extend="max").set_label("standard deviation, grey levels (of 255)", fontsize=8)
    return figure
