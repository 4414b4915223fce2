"""What the prior says of itself, without torch."""

from __future__ import annotations

from vaezoo.core.facts import Grid, PriorFacts, check_widths
from vaezoo.errors import ConfigError


def check_vector(context_vector: int) -> None:
    """Refuses a condition of no dimensions.

    Raises:
        ConfigError: It has none.
    """
    if context_vector < 1:
        raise ConfigError(
            f"Expected a context_vector of at least 1 for the prior to read, got {context_vector}.",
            hint="Use the prior 'normal' where there is no condition.",
            value=context_vector,
        )


def conditional_normal(
    latent_channels: int,
    latent_stride: int | None = None,
    context_vector: int = 16,
    hidden: tuple[int, ...] = (64,),
) -> PriorFacts:
    """Facts of :class:`vaezoo_conditional.prior.ConditionalNormalPrior`."""
    check_vector(context_vector)
    check_widths("hidden", hidden, least=0)
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({"gaussian", "density", "dirac"}), (grid,), grid, vector=context_vector)
