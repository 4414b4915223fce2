"""What the prior says of itself, without torch."""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.core.facts import Grid, PriorFacts, check_widths
from vaezoo.errors import ConfigError


def check_two_stage(hidden: Sequence[int], draws: int) -> None:
    """Refuses a second VAE without a hidden layer, or one that is never drawn from.

    Raises:
        ConfigError: It is.
    """
    check_widths("hidden", hidden)
    if draws < 1:
        raise ConfigError(f"Expected draws of at least 1, got {draws}.", value=draws)


def two_stage(
    latent_channels: int, latent_stride: int | None = None, hidden: tuple[int, ...] = (256, 256), draws: int = 8
) -> PriorFacts:
    """Facts of :class:`vaezoo_twostage.prior.TwoStagePrior`."""
    check_two_stage(hidden, draws)
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({"gaussian", "density", "dirac"}), (grid,), grid)
