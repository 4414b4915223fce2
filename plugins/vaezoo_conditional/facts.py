"""Configurations and facts of the prior, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import VECTORS, PriorConfig, PriorFacts, check_widths, former_facts
from vaezoo.errors import ConfigError


def check_vector(context_vector: int) -> None:
    """Raises if the condition has no dimensions.

    Raises:
        ConfigError: ``context_vector`` is below 1.
    """
    if context_vector < 1:
        raise ConfigError(
            f"Expected a context_vector of at least 1 for the prior to read, got {context_vector}.",
            hint="Use the prior 'normal' where there is no condition.",
            value=context_vector,
        )


@dataclass(frozen=True)
class ConditionalNormalPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_conditional.prior.ConditionalNormalPrior`.

    Attributes:
        context_vector: Dimensions of the context's vector c.
        hidden: Widths of the hidden layers.

    Raises:
        ConfigError: c has no dimensions, or a layer has no channels.
    """

    context_vector: int = 16
    hidden: tuple[int, ...] = (64,)

    def __post_init__(self) -> None:
        check_vector(self.context_vector)
        check_widths("hidden", self.hidden, least=0)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(VECTORS, (self.grid,), self.grid, vector=self.context_vector)


__getattr__ = former_facts(__name__, conditional_normal=ConditionalNormalPriorConfig)
