"""What the prior says of itself, without torch."""

from __future__ import annotations

from vaezoo.core.facts import Grid, PriorFacts
from vaezoo.errors import ConfigError


def check_components(components: int) -> None:
    """Refuses a mixture of nothing.

    Raises:
        ConfigError: There is no component.
    """
    if components < 1:
        raise ConfigError(f"Expected at least 1 component, got {components}.", value=components)


def vamp(
    latent_channels: int,
    latent_stride: int | None = None,
    components: int = 500,
    exemplar: bool = False,
    image_channels: int = 1,
    image_size: tuple[int, int] = (28, 28),
) -> PriorFacts:
    """Facts of :class:`vaezoo_vamp.prior.VampPrior`."""
    check_components(components)
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({"gaussian"}), (grid,), grid, asks_encoder=True)
