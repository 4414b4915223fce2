"""The files that say how far an enhanced picture may be wrong: exact numbers, and a map to look at."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaezoo.image.file.files import replace_file
from vaezoo.restore.enhanced import Enhanced
from vaezoo.restore.interval import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVEL = 90
_DPI, _BAR, _LEAST = 100, 1.1, 240
"""Dots an inch, so that a pixel of the picture is a dot; the inches beside it that hold the scale, and the dots down
that these need."""
_WIDEST = 1600
"""Dots across that a small picture is enlarged to at most."""


def write_uncertainty(numbers: Path, picture: Path, enhanced: Enhanced) -> Interval:
    """Writes an enhancement's uncertainty as numbers and as a picture; returns the interval that was written.

    The numbers are a NumPy archive, all float32 and in units of the pixel value in [0, 1]: ``sd``, ``lower`` and
    ``upper`` (H, W, C), the standard deviation as `Enhanced.sd` gives it and the 90 % interval; beside them ``level``
    (percent), ``method`` and ``width``, as in `vaezoo.restore.Interval`, and ``factor``, which the sd was
    multiplied by. They take 12 bytes a value.

    Args:
        numbers: Ends in ``.npz``.
        picture: Ends in ``.png``.
        enhanced: What is written.

    Raises:
        ConfigError: The model states no standard deviation.
        ImageError: A file cannot be written.
    """
    interval = enhanced.interval(LEVEL)
    factor = 1.0 if enhanced.calibration is None else enhanced.calibration.factor
    sd, content = enhanced.sd, io.BytesIO()
    np.savez(
        content, sd=sd, lower=interval.lower, upper=interval.upper, level=interval.level, method=interval.method,
        width=interval.width, factor=factor,
    )  # fmt: skip
    replace_file(numbers, content.getvalue())
    drawn = io.BytesIO()
    draw_uncertainty(sd).savefig(drawn, format="png", dpi=_DPI)
    replace_file(picture, drawn.getvalue())
    return interval


def draw_uncertainty(sd: np.ndarray) -> Figure:
    """Draws a standard deviation (H, W, C), root mean square over channels, a dot a pixel, with a scale beside it.

    The scale is in grey levels, of 255, and ends where 0.5 % of the pixels exceed it. A picture of fewer than 240
    rows is enlarged, up to 1600 columns, so that it can be seen beside the scale.
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
