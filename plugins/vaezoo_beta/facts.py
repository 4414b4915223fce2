"""What the losses say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.facts import LossFacts


def beta(beta: float = 4.0, normalised: bool = False) -> LossFacts:
    """Facts of :class:`vaezoo_beta.losses.BetaLoss`."""
    return LossFacts()


def capacity(gamma: float = 100.0, capacity: float = 25.0, warmup: int = 10_000) -> LossFacts:
    """Facts of :class:`vaezoo_beta.losses.CapacityLoss`."""
    return LossFacts()


def cyclical(beta: float = 1.0, cycle: int = 2000, rise: float = 0.5) -> LossFacts:
    """Facts of :class:`vaezoo_beta.schedules.CyclicalLoss`."""
    return LossFacts()


def linear(first: float = 0.0, last: float = 1.0, begin: int = 0, end: int = 10_000) -> LossFacts:
    """Facts of :class:`vaezoo_beta.schedules.LinearLoss`."""
    return LossFacts()
