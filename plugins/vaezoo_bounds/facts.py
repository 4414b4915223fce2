"""What the losses say of themselves, without torch. All need densities of z and of x."""

from __future__ import annotations

from vaezoo.core.facts import LossFacts


def iwae(samples: int = 5) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.losses.IWAELoss`."""
    return LossFacts(needs_density=True)


def miwae(samples: int = 8, groups: int = 8) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.losses.MIWAELoss`."""
    return LossFacts(needs_density=True)


def ciwae(samples: int = 8, beta: float = 0.5) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.losses.CIWAELoss`."""
    return LossFacts(needs_density=True)


def piwae(samples: int = 8, groups: int = 8) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.losses.PIWAELoss`."""
    return LossFacts(needs_density=True)


def dreg(samples: int = 5) -> LossFacts:
    """Facts of :class:`vaezoo_bounds.gradients.DReGLoss`."""
    return LossFacts(beliefs=frozenset({"gaussian"}), needs_density=True)
