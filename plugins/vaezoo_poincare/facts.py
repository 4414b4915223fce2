"""Configurations and facts of belief and prior in the Poincaré ball, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import PriorConfig, PriorFacts, former_facts
from vaezoo.errors import ConfigError


def check_ball(curvature: float, spread: float = 1.0) -> None:
    """Checks the curvature of a ball and the width of a distribution.

    Raises:
        ConfigError: The curvature or the spread is not above 0.
    """
    if not (curvature > 0 and spread > 0):
        came = f"{curvature} and {spread}"
        raise ConfigError(f"Expected curvature and spread above 0, got {came}.", value=(curvature, spread))


def wrapped_normal(curvature: float = 1.0) -> BeliefKind:
    """Wrapped normal belief in a ball of curvature −c: a tangent vector and log-variances, from 2·D raw channels."""
    check_ball(curvature)
    c = float(curvature)
    return BeliefKind(
        f"wrapped-normal(curvature={c})", lambda d: 2 * d, "vaezoo_poincare.posterior:wrapped_normal", {"curvature": c}
    )


@dataclass(frozen=True)
class WrappedNormalPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_poincare.prior.WrappedNormalPrior`.

    Attributes:
        curvature: Curvature parameter c > 0, as for the belief. The ball's curvature is −c.
        spread: Standard deviation σ > 0 before wrapping.

    Raises:
        ConfigError: The curvature or the spread is not above 0.
    """

    curvature: float = 1.0
    spread: float = 1.0

    def __post_init__(self) -> None:
        check_ball(self.curvature, self.spread)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(frozenset({wrapped_normal(self.curvature).fact}), (self.grid,), self.grid)


__getattr__ = former_facts(__name__, prior=WrappedNormalPriorConfig)
