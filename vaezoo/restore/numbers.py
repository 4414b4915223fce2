"""Checks that user input is a number."""

from __future__ import annotations

import math
import numbers
from typing import SupportsFloat, cast

from vaezoo.errors import ShapeError


def is_whole(value: object) -> bool:
    """Says whether a value is a whole number of Python or NumPy."""
    return isinstance(value, numbers.Integral)


def is_number(value: object) -> bool:
    """Says whether a value is a real number of Python or NumPy, including NaN and infinity."""
    return isinstance(value, numbers.Real)


def check_level(sigma: object) -> None:
    """Raises if a value is not a noise level. None, for an unknown level, is accepted.

    Args:
        sigma: Standard deviation in grey levels, or None.

    Raises:
        ShapeError: The value is not a number, is negative, or is not finite.
    """
    if sigma is not None and not (is_number(sigma) and 0 <= float(cast(SupportsFloat, sigma)) < math.inf):
        raise ShapeError(f"Expected a noise level of at least 0, in grey levels, got {sigma!r}.", value=sigma)
