"""Images made from known factors: shape, scale, orientation and position, one image for every combination.

They serve the measurement of disentanglement, like dSprites, but are drawn instead of read: deterministic,
anti-aliased, grey on black.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from vaezoo.errors import ConfigError

NAMES = ("shape", "scale", "orientation", "x", "y")
SHAPES = ("square", "ellipse", "heart")
COUNTS = (3, 4, 8, 8, 8)
"""Number of values of each factor. Orientations stay below a quarter turn, so that all images of squares differ."""
SMALLEST = 16
_FINE = 4

Array = np.ndarray[Any, np.dtype[np.uint8]]


def make_factors(size: int = 32, counts: tuple[int, ...] = COUNTS) -> tuple[Array, np.ndarray[Any, np.dtype[np.int64]]]:
    """Draws an image for every combination of the factors. The last factor changes fastest.

    Args:
        size: Height and width in pixels.
        counts: Number of values of each factor in `NAMES`. There are at most as many shapes as known ones.

    Returns:
        Images uint8 (N, size, size, 1), and the index of each factor's value, int64 (N, 5).

    Raises:
        ConfigError: The size is too small, or a count is out of range.
    """
    if size < SMALLEST:
        raise ConfigError(f"Expected pictures of at least {SMALLEST} pixels a side, got {size}.", value=size)
    if len(counts) != len(NAMES) or min(counts) < 1 or counts[0] > len(SHAPES):
        message = f"Expected five counts of at least 1, of {', '.join(NAMES)}, at most 3 shapes, got {counts}."
        raise ConfigError(message, value=counts)
    shapes, scales, turns, columns, rows = counts
    places = [np.round(np.linspace(0.3, 0.7, n) * size * 64) / 64 for n in (columns, rows)]
    pictures = np.empty((shapes, scales, turns, columns, rows, size, size), np.uint8)
    for shape, scale, turn in itertools.product(range(shapes), range(scales), range(turns)):
        radius = size * np.linspace(0.12, 0.23, scales)[scale]
        angle = np.pi / 2 * turn / turns
        for column, x in enumerate(places[0]):
            for row, y in enumerate(places[1]):
                pictures[shape, scale, turn, column, row] = _draw(SHAPES[shape], size, radius, angle, x, y)
    factors = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), -1).reshape(-1, len(NAMES))
    return pictures.reshape(-1, size, size, 1), factors.astype(np.int64)


def _draw(shape: str, size: int, radius: float, angle: float, x: float, y: float) -> Array:
    """Draws one image (size, size). A pixel is the share of it inside the shape, from 4×4 points."""
    points = (np.arange(size * _FINE) + 0.5) / _FINE
    across, down = (points[None, :] - x) / radius, (points[:, None] - y) / radius
    u, v = np.cos(angle) * across + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * across
    if shape == "square":
        inside = np.maximum(np.abs(u), np.abs(v)) < 0.8
    elif shape == "ellipse":
        inside = u**2 + (v / 0.55) ** 2 < 1
    else:
        u, v = 1.15 * u, 0.15 - 1.15 * v
        inside = (u**2 + v**2 - 1) ** 3 < u**2 * v**3
    share = inside.reshape(size, _FINE, size, _FINE).mean((1, 3))
    drawn: Array = np.round(255 * share).astype(np.uint8)
    return drawn
