"""Configurations and facts of the prior, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import PriorConfig, PriorFacts, former_facts
from vaezoo.errors import ConfigError


def check_components(components: int) -> None:
    """Checks the number of components of a mixture.

    Raises:
        ConfigError: ``components`` is below 1.
    """
    if components < 1:
        raise ConfigError(f"Expected at least 1 component, got {components}.", value=components)


@dataclass(frozen=True)
class VampPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_vamp.prior.VampPrior`.

    Attributes:
        components: Number C of images.
        exemplar: Whether the images are given instead of learned. Until then they are noise.
        image_channels: Number of channels of the images.
        image_size: (H, W) of the images.

    Raises:
        ConfigError: ``components`` is below 1.
    """

    components: int = 500
    exemplar: bool = False
    image_channels: int = 1
    image_size: tuple[int, int] = (28, 28)

    def __post_init__(self) -> None:
        check_components(self.components)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(frozenset({"gaussian"}), (self.grid,), self.grid, asks_encoder=True)


__getattr__ = former_facts(__name__, vamp=VampPriorConfig)
