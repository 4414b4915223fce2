"""Whether scores measured again are those that a card states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RELATIVE, ABSOLUTE, WHOLE = 0.01, 0.02, 0.1
"""Defaults: a score may move by 1 % of itself, at least by 0.02; a whole number by 10 %, at least by 1."""
EXACT = ("images",)
"""What says on how much was measured; it may not move."""


@dataclass(frozen=True)
class Row:
    """A score of a card, and the same measured now.

    Attributes:
        score: Its name.
        card: As the card states it.
        now: As measured, None where it was not.
        tolerance: How far the two may be apart.
    """

    score: str
    card: float
    now: float | None
    tolerance: float

    @property
    def within(self) -> bool:
        """Whether the two agree."""
        return self.now is not None and abs(self.now - self.card) <= self.tolerance + 1e-9


def compare(card: Mapping[str, float], now: Mapping[str, float], tolerance: Mapping[str, float]) -> list[Row]:
    """Returns each score of a card beside the one measured now.

    Args:
        card: Scores as stated, by name.
        now: Scores as measured.
        tolerance: How far a score may be from the card's, absolute, by name; the defaults above for the others.
    """
    return [Row(name, value, now.get(name), tolerance.get(name, _default(name, value))) for name, value in card.items()]


def _default(name: str, value: float) -> float:
    if name in EXACT:
        return 0.0
    if isinstance(value, int):
        return max(1.0, WHOLE * abs(value))
    return max(ABSOLUTE, RELATIVE * abs(value))
