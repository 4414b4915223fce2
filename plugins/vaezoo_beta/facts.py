"""What the losses say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.facts import LossFacts


def beta(beta: float = 4.0, normalised: bool = False) -> LossFacts:
    """Facts of :class:`vaezoo_beta.losses.BetaLoss`."""
    return LossFacts()


def capacity(gamma: float = 100.0, capacity: float = 25.0, warmup: int = 10_000) -> LossFacts:
    """Facts of :class:`vaezoo_beta.losses.CapacityLoss`."""
    return LossFacts()
