"""What the losses say of themselves, without torch. All need a belief with a density."""

from __future__ import annotations

from vaezoo.core.facts import LossFacts


def iwae(samples: int = 5) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.losses.IWAELoss`."""
    return LossFacts()


def miwae(samples: int = 8, groups: int = 8) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.losses.MIWAELoss`."""
    return LossFacts()


def ciwae(samples: int = 8, beta: float = 0.5) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.losses.CIWAELoss`."""
    return LossFacts()


def piwae(samples: int = 8, groups: int = 8) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.losses.PIWAELoss`."""
    return LossFacts()


def dreg(samples: int = 5) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.gradients.DReGLoss`."""
    return LossFacts(beliefs=frozenset({"gaussian"}))
