"""What belief and prior in the Poincaré ball say of themselves, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import PriorConfig, PriorFacts, former_facts
from vaezoo.errors import ConfigError


def check_ball(curvature: float, spread: float = 1.0) -> None:
    """Refuses a ball that is none, and a law without width.

    Raises:
        ConfigError: The curvature or the spread is not above 0.
    """
    if not (curvature > 0 and spread > 0):
        came = f"{curvature} and {spread}"
        raise ConfigError(f"Expected curvature and spread above 0, got {came}.", value=(curvature, spread))


def wrapped_normal(curvature: float = 1.0) -> BeliefKind:
    """A tangent vector at the origin and log-variances: 2·D raw channels, in a ball of curvature −c."""
    check_ball(curvature)
    c = float(curvature)
    return BeliefKind(
        f"wrapped-normal(curvature={c})", lambda d: 2 * d, "vaezoo_poincare.posterior:wrapped_normal", {"curvature": c}
    )


@dataclass(frozen=True)
class WrappedNormalPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_poincare.prior.WrappedNormalPrior`.

    Attributes:
        curvature: c > 0, as the belief's; the ball's curvature is −c.
        spread: Standard deviation σ > 0, before it is wrapped.

    Raises:
        ConfigError: The curvature or the spread is not above 0.
    """

    curvature: float = 1.0
    spread: float = 1.0

    def __post_init__(self) -> None:
        check_ball(self.curvature, self.spread)

    def facts(self) -> PriorFacts:
        """Returns what the prior says of itself."""
        return PriorFacts(frozenset({wrapped_normal(self.curvature).fact}), (self.grid,), self.grid)


__getattr__ = former_facts(__name__, prior=WrappedNormalPriorConfig)
