"""Configurations and facts of the losses, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import LossConfig, check_at_least, former_facts
from vaezoo.errors import ConfigError


@dataclass(frozen=True)
class BetaLossConfig(LossConfig):
    """Parameters of :class:`vaezoo_beta.losses.BetaLoss`.

    Attributes:
        beta: Weight of the rate.
        normalised: Whether ``beta`` is the paper's β_norm = β·M/N, for M latents and N pixel values.
    """

    beta: float = 4.0
    normalised: bool = False

    def __post_init__(self) -> None:
        check_at_least(0, beta=self.beta)


@dataclass(frozen=True)
class CapacityLossConfig(LossConfig):
    """Parameters of :class:`vaezoo_beta.losses.CapacityLoss`.

    Attributes:
        gamma: Weight γ of the distance.
        capacity: Final capacity C, in nats per image.
        warmup: Number of steps over which C rises linearly.
    """

    gamma: float = 100.0
    capacity: float = 25.0
    warmup: int = 10_000

    def __post_init__(self) -> None:
        check_at_least(0, gamma=self.gamma, capacity=self.capacity, warmup=self.warmup)


@dataclass(frozen=True)
class CyclicalLossConfig(LossConfig):
    """Parameters of :class:`vaezoo_beta.schedules.CyclicalLoss`.

    Attributes:
        beta: Weight of the rate at the end of a cycle.
        cycle: Number of steps of a cycle.
        rise: Share of a cycle over which β rises linearly, 0 to 1.

    Raises:
        ConfigError: ``rise`` is above 1.
    """

    beta: float = 1.0
    cycle: int = 2000
    rise: float = 0.5

    def __post_init__(self) -> None:
        check_at_least(0, beta=self.beta, rise=self.rise)
        check_at_least(1, cycle=self.cycle)
        if self.rise > 1:
            raise ConfigError(f"Expected rise as a share of a cycle, at most 1, got {self.rise}.", value=self.rise)


@dataclass(frozen=True)
class LinearLossConfig(LossConfig):
    """Parameters of :class:`vaezoo_beta.schedules.LinearLoss`.

    Attributes:
        first: Weight β before the step ``begin``.
        last: Weight β from the step ``end`` on.
        begin: Step at which β starts to change.
        end: Step at which β stops to change.

    Raises:
        ConfigError: ``end`` is not after ``begin``.
    """

    first: float = 0.0
    last: float = 1.0
    begin: int = 0
    end: int = 10_000

    def __post_init__(self) -> None:
        check_at_least(0, first=self.first, last=self.last, begin=self.begin)
        if self.end <= self.begin:
            raise ConfigError(f"Expected end after begin, at least {self.begin + 1}, got {self.end}.", value=self.end)


__getattr__ = former_facts(
    __name__, beta=BetaLossConfig, capacity=CapacityLossConfig, cyclical=CyclicalLossConfig, linear=LinearLossConfig
)
