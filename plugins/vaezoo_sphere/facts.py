"""What belief and prior on the sphere say of themselves, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import PriorConfig, PriorFacts, former_facts
from vaezoo.errors import ConfigError


def check_dimensions(latent_channels: int) -> None:
    """Refuses a sphere without a direction to turn in.

    Raises:
        ConfigError: There are fewer than 2 channels.
    """
    if latent_channels < 2:
        raise ConfigError(
            f"Expected at least 2 latent channels for points on a sphere, got {latent_channels}.", value=latent_channels
        )


def _channels(latent_channels: int) -> int:
    check_dimensions(latent_channels)
    return latent_channels + 1


def vmf() -> BeliefKind:
    """A direction and a concentration: D + 1 raw channels."""
    return BeliefKind("vmf", _channels, "vaezoo_sphere.posterior:von_mises_fisher")


@dataclass(frozen=True)
class UniformSpherePriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_sphere.prior.UniformSpherePrior`.

    Raises:
        ConfigError: There are fewer than 2 channels.
    """

    def __post_init__(self) -> None:
        check_dimensions(self.latent_channels)

    def facts(self) -> PriorFacts:
        """Returns what the prior says of itself."""
        return PriorFacts(frozenset({"vmf"}), (self.grid,), self.grid)


__getattr__ = former_facts(__name__, uniform=UniformSpherePriorConfig)
