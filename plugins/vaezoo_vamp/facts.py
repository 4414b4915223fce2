"""What the prior says of itself, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import PriorConfig, PriorFacts, former_facts
from vaezoo.errors import ConfigError


def check_components(components: int) -> None:
    """Refuses a mixture of nothing.

    Raises:
        ConfigError: There is no component.
    """
    if components < 1:
        raise ConfigError(f"Expected at least 1 component, got {components}.", value=components)


@dataclass(frozen=True)
class VampPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_vamp.prior.VampPrior`.

    Attributes:
        components: Number C of pictures.
        exemplar: Whether the pictures are given instead of learned; they are noise until they are.
        image_channels: Channels of the pictures.
        image_size: (H, W) of the pictures.

    Raises:
        ConfigError: There is no component.
    """

    components: int = 500
    exemplar: bool = False
    image_channels: int = 1
    image_size: tuple[int, int] = (28, 28)

    def __post_init__(self) -> None:
        check_components(self.components)

    def facts(self) -> PriorFacts:
        """Returns what the prior says of itself."""
        return PriorFacts(frozenset({"gaussian"}), (self.grid,), self.grid, asks_encoder=True)


__getattr__ = former_facts(__name__, vamp=VampPriorConfig)
