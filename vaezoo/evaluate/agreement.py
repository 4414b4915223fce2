"""Checks whether remeasured scores agree with those on a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RELATIVE, ABSOLUTE, WHOLE = 0.01, 0.02, 0.1
"""Default tolerances: 1 % of a score but at least 0.02; for a whole number 10 %, but at least 1."""
EXACT = ("images",)
"""Scores that must be equal, since they say how much was measured."""


@dataclass(frozen=True)
class Row:
    """A score on a card and its remeasured value.

    Attributes:
        score: Name of the score.
        card: Value on the card.
        now: Remeasured value; None if it was not measured.
        tolerance: Largest difference of the two.
    """

    score: str
    card: float
    now: float | None
    tolerance: float

    @property
    def within(self) -> bool:
        """Whether the two values agree."""
        return self.now is not None and abs(self.now - self.card) <= self.tolerance + 1e-9


def compare(card: Mapping[str, float], now: Mapping[str, float], tolerance: Mapping[str, float]) -> list[Row]:
    """Pairs each score of a card with its remeasured value.

    Args:
        card: Scores of the card, by name.
        now: Remeasured scores, by name.
        tolerance: Largest absolute difference, by name of the score. For others the defaults above apply.
    """
    return [Row(name, value, now.get(name), tolerance.get(name, _default(name, value))) for name, value in card.items()]


def _default(name: str, value: float) -> float:
    if name in EXACT:
        return 0.0
    if isinstance(value, int):
        return max(1.0, WHOLE * abs(value))
    return max(ABSOLUTE, RELATIVE * abs(value))
