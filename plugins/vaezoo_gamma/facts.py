"""What belief and prior on positive latents say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import Grid, PriorFacts
from vaezoo.errors import ConfigError


def check_law(shape: float, rate: float) -> None:
    """Refuses a Gamma law that is none.

    Raises:
        ConfigError: A parameter is not above 0.
    """
    if not (shape > 0 and rate > 0):
        raise ConfigError(f"Expected shape and rate above 0, got {shape} and {rate}.", value=(shape, rate))


def gamma() -> BeliefKind:
    """A shape and a mean for each latent: 2·D raw channels."""
    return BeliefKind("gamma", lambda d: 2 * d, "vaezoo_gamma.posterior:gamma")


def gamma_prior(
    latent_channels: int, latent_stride: int | None = None, shape: float = 2.0, rate: float = 2.0
) -> PriorFacts:
    """Facts of :class:`vaezoo_gamma.prior.GammaPrior`."""
    check_law(shape, rate)
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({"gamma"}), (grid,), grid)
