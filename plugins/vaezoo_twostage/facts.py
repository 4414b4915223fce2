"""Configurations and facts of the prior, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vaezoo.core.facts import PriorConfig, check_widths, former_facts
from vaezoo.errors import ConfigError


def check_two_stage(hidden: Sequence[int], draws: int) -> None:
    """Checks the settings of a second VAE.

    Raises:
        ConfigError: A width or ``draws`` is below 1.
    """
    check_widths("hidden", hidden)
    if draws < 1:
        raise ConfigError(f"Expected draws of at least 1, got {draws}.", value=draws)


@dataclass(frozen=True)
class TwoStagePriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_twostage.prior.TwoStagePrior`.

    Attributes:
        hidden: Widths of the hidden layers of both networks. The decoder has them in reverse order.
        draws: Number S of samples of the second latents for each estimate of the density.

    Raises:
        ConfigError: A width or ``draws`` is below 1.
    """

    hidden: tuple[int, ...] = (256, 256)
    draws: int = 8

    def __post_init__(self) -> None:
        check_two_stage(self.hidden, self.draws)


__getattr__ = former_facts(__name__, two_stage=TwoStagePriorConfig)
