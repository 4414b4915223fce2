"""Configurations and facts of belief and prior on the sphere, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import PriorConfig, PriorFacts, former_facts
from vaezoo.errors import ConfigError


def check_dimensions(latent_channels: int) -> None:
    """Checks the number of dimensions of a sphere.

    Raises:
        ConfigError: ``latent_channels`` is below 2.
    """
    if latent_channels < 2:
        raise ConfigError(
            f"Expected at least 2 latent channels for points on a sphere, got {latent_channels}.", value=latent_channels
        )


def _channels(latent_channels: int) -> int:
    check_dimensions(latent_channels)
    return latent_channels + 1


def vmf() -> BeliefKind:
    """Von Mises-Fisher belief: a direction and a concentration, from D + 1 raw channels."""
    return BeliefKind("vmf", _channels, "vaezoo_sphere.posterior:von_mises_fisher")


@dataclass(frozen=True)
class UniformSpherePriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_sphere.prior.UniformSpherePrior`.

    Raises:
        ConfigError: ``latent_channels`` is below 2.
    """

    def __post_init__(self) -> None:
        check_dimensions(self.latent_channels)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(frozenset({"vmf"}), (self.grid,), self.grid)


__getattr__ = former_facts(__name__, uniform=UniformSpherePriorConfig)
