"""Sheets: rows of images with labels, as values and as a figure that draws each pixel as a square."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.evaluate import draw_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150
_FONT, _SMALL = 8, 7
_SPACE = 10
"""Space around text, in pixels."""
DOTS = 2**26
"""Largest number of dots of a sheet."""


@final
@dataclass(frozen=True)
class Sheet:
    """Rows of images with labels.

    Attributes:
        rows: Images (C, H, W) in [0, 1] with C 1 or 3. Rows may have different lengths.
        row_labels: Labels, one per row, or empty.
        column_labels: Labels, one per column, or empty.
        note: Sentence below the images.
        facts: Content of the sheet, for programs, as values for JSON.
    """

    rows: tuple[tuple[Tensor, ...], ...]
    row_labels: tuple[str, ...] = ()
    column_labels: tuple[str, ...] = ()
    note: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def draw(self, zoom: int | None = None) -> Figure:
        """Draws the sheet with 150 dots per inch.

        Args:
            zoom: Side in dots of the square that a pixel becomes. None: such that an image is at least 84 dots high.

        Raises:
            ShapeError: There are no images, or one is not such a tensor.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        zoom = zoom_of(self.rows[0][0]) if zoom is None and self.rows and self.rows[0] else zoom or 1
        canvas = np.asarray(draw_grid(self.rows, zoom=zoom))
        height, width = canvas.shape[:2]
        figure = Figure(figsize=(1, 1), dpi=DPI, facecolor="white")
        measure = FigureCanvasAgg(figure).get_renderer()  # type: ignore[attr-defined]

        def size(text: str, font: float) -> tuple[int, int]:
            drawn = figure.text(0, 0, text, fontsize=font)
            box = drawn.get_window_extent(measure)
            drawn.remove()
            return int(np.ceil(box.width)), int(np.ceil(box.height))

        left = max((size(t, _FONT)[0] + 2 * _SPACE for t in self.row_labels), default=0)
        top = max((size(t, _FONT)[1] + 2 * _SPACE for t in self.column_labels), default=0)
        below = size(self.note, _SMALL)[1] + 2 * _SPACE if self.note else 0
        right = max(0, size(self.note, _SMALL)[0] + 2 * _SPACE - width) if self.note else 0
        whole = left + width + right, top + height + below
        figure.set_size_inches(whole[0] / DPI, whole[1] / DPI)

        def put(x: float, y: float, text: str, **how: Any) -> None:
            figure.text(x / whole[0], 1 - y / whole[1], text, fontsize=how.pop("font", _FONT), **how)

        axes = figure.add_axes((left / whole[0], below / whole[1], width / whole[0], height / whole[1]))
        axes.set_axis_off()
        axes.imshow(canvas, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
        down, across = (height - 2) / len(self.rows), (width - 2) / max(map(len, self.rows))
        for index, text in enumerate(self.row_labels):
            put(left - _SPACE, top + 1 + (index + 0.5) * down, text, ha="right", va="center")
        for index, text in enumerate(self.column_labels):
            put(left + 1 + (index + 0.5) * across, top - _SPACE, text, ha="center", va="bottom")
        if self.note:
            put(left + 2, top + height + _SPACE, self.note, font=_SMALL, va="top", color="0.35")
        return figure


def zoom_of(image: Tensor) -> int:
    """Returns the whole factor by which an image (C, H, W) is enlarged, to a height of at least 84 dots."""
    return max(1, 84 // image.shape[1])


def check_dots(images: int, like: Tensor) -> None:
    """Raises if a sheet would have more images than can be drawn.

    Args:
        images: Number of images.
        like: One of the images (C, H, W).

    Raises:
        ConfigError: The sheet would have more than :data:`DOTS` dots.
    """
    zoom = zoom_of(like)
    each = zoom * like.shape[1] * zoom * like.shape[2]
    if images * each > DOTS:
        raise ConfigError(
            f"Expected at most {DOTS // each} images of {like.shape[1]}x{like.shape[2]} on a sheet, got {images}.",
            hint="Use model.sample for more.",
            value=images,
        )
