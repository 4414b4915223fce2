"""What the losses say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.facts import LossFacts

_GAUSSIAN = frozenset({"gaussian"})
_VECTORS = frozenset({"gaussian", "density", "dirac"})


def beta_tc(
    alpha: float = 1.0, beta: float = 6.0, gamma: float = 1.0, estimator: str = "weighted", images: int = 60_000
) -> LossFacts:
    """Facts of :class:`vaezoo_divergences.correlation.TotalCorrelationLoss`."""
    return LossFacts(beliefs=_GAUSSIAN)


def dip_i(off_diagonal: float = 10.0, diagonal: float = 100.0) -> LossFacts:
    """Facts of :class:`vaezoo_divergences.moments.DIPMeansLoss`."""
    return LossFacts(beliefs=_GAUSSIAN)


def dip_ii(off_diagonal: float = 10.0, diagonal: float = 10.0) -> LossFacts:
    """Facts of :class:`vaezoo_divergences.moments.DIPSamplesLoss`."""
    return LossFacts(beliefs=_GAUSSIAN)


def info(alpha: float = 0.0, weight: float = 1000.0, kernel: str = "rbf") -> LossFacts:
    """Facts of :class:`vaezoo_divergences.distances.InfoLoss`."""
    return LossFacts(beliefs=frozenset({"gaussian", "density"}))


def wae_mmd(weight: float = 100.0, kernel: str = "imq") -> LossFacts:
    """Facts of :class:`vaezoo_divergences.distances.MMDLoss`."""
    return LossFacts(needs_rate=False, beliefs=_VECTORS)


def swae(weight: float = 100.0, directions: int = 50) -> LossFacts:
    """Facts of :class:`vaezoo_divergences.distances.SlicedLoss`."""
    return LossFacts(needs_rate=False, beliefs=_VECTORS)
