"""Whether what a user gives for a number is one; each place says by itself what it expected."""

from __future__ import annotations

import math
import numbers
from typing import SupportsFloat, cast

from vaezoo.errors import ShapeError


def is_whole(value: object) -> bool:
    """Says whether a value is a whole number, Python's or NumPy's."""
    return isinstance(value, numbers.Integral)


def is_number(value: object) -> bool:
    """Says whether a value is a real number, Python's or NumPy's, NaN and infinity among them."""
    return isinstance(value, numbers.Real)


def check_level(sigma: object) -> None:
    """Refuses what is no noise level; None, for one that is not known, is.

    Args:
        sigma: Standard deviation, grey levels.

    Raises:
        ShapeError: It is no number, negative or not finite.
    """
    if sigma is not None and not (is_number(sigma) and 0 <= float(cast(SupportsFloat, sigma)) < math.inf):
        raise ShapeError(f"Expected a noise level of at least 0, in grey levels, got {sigma!r}.", value=sigma)
