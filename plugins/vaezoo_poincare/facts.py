"""What belief and prior in the Poincaré ball say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import Grid, PriorFacts
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


def prior(
    latent_channels: int, latent_stride: int | None = None, curvature: float = 1.0, spread: float = 1.0
) -> PriorFacts:
    """Facts of :class:`vaezoo_poincare.prior.WrappedNormalPrior`."""
    check_ball(curvature, spread)
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({wrapped_normal(curvature).fact}), (grid,), grid)
