"""The search for the level that a method is best told: one value for all pictures of a set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

GRID = (10.0, 14.0, 20.0)
"""Grey levels that a search begins with."""
NEAR = 1.25
"""A search is over when both neighbours of the best level are less than this many times away."""
LOWEST, HIGHEST = 1.0, 100.0
"""Grey levels beyond which no search goes."""


def still_to_try(found: Mapping[float, float], grid: Sequence[float] = GRID) -> list[float]:
    """Returns which levels a search for the best one wants next; none where it is over.

    First the whole grid. While the best is at its end, it goes on by the grid's last ratio; then between the best and
    its neighbours, at their geometric means.

    Args:
        found: Mean PSNR by level; larger is better.
        grid: Levels to begin with, ascending, at least two.
    """
    if missing := [level for level in grid if level not in found]:
        return missing
    levels = sorted(found)
    best = levels.index(max(levels, key=lambda level: found[level]))
    if best in (0, len(levels) - 1):
        beyond = levels[0] * grid[0] / grid[1] if best == 0 else levels[-1] * grid[-1] / grid[-2]
        return [round(beyond, 1)] if LOWEST <= beyond <= HIGHEST else []
    pairs = ((levels[best - 1], levels[best]), (levels[best], levels[best + 1]))
    return [round(math.sqrt(low * high), 1) for low, high in pairs if high / low > NEAR]
