"""Configurations and facts of the losses, without torch. All need densities of z and of x."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import LossConfig, check_at_least, former_facts
from vaezoo.errors import ConfigError


@dataclass(frozen=True)
class IWAELossConfig(LossConfig, needs_density=True):
    """Parameters of :class:`vaezoo_bounds.losses.IWAELoss`.

    Attributes:
        samples: Number K of samples per image.
    """

    samples: int = 5

    def __post_init__(self) -> None:
        check_at_least(1, samples=self.samples)


@dataclass(frozen=True)
class MIWAELossConfig(LossConfig, needs_density=True):
    """Parameters of :class:`vaezoo_bounds.losses.MIWAELoss`.

    Attributes:
        samples: Number K of samples per group.
        groups: Number M of groups.
    """

    samples: int = 8
    groups: int = 8

    def __post_init__(self) -> None:
        check_at_least(1, samples=self.samples, groups=self.groups)


@dataclass(frozen=True)
class CIWAELossConfig(LossConfig, needs_density=True):
    """Parameters of :class:`vaezoo_bounds.losses.CIWAELoss`.

    Attributes:
        samples: Number K of samples per image.
        beta: Weight of the ELBO, 0 to 1.

    Raises:
        ConfigError: ``beta`` is above 1.
    """

    samples: int = 8
    beta: float = 0.5

    def __post_init__(self) -> None:
        check_at_least(1, samples=self.samples)
        check_at_least(0, beta=self.beta)
        if self.beta > 1:
            raise ConfigError(f"Expected beta between 0 (IWAE) and 1 (the ELBO), got {self.beta}.", value=self.beta)


@dataclass(frozen=True)
class PIWAELossConfig(LossConfig, needs_density=True):
    """Parameters of :class:`vaezoo_bounds.losses.PIWAELoss`.

    Attributes:
        samples: Number K of samples per group of the encoder's bound.
        groups: Number M of groups.
    """

    samples: int = 8
    groups: int = 8

    def __post_init__(self) -> None:
        check_at_least(1, samples=self.samples, groups=self.groups)


@dataclass(frozen=True)
class DReGLossConfig(LossConfig, beliefs=frozenset({"gaussian"}), needs_density=True):
    """Parameters of :class:`vaezoo_bounds.gradients.DReGLoss`.

    Attributes:
        samples: Number K of samples per image.
    """

    samples: int = 5

    def __post_init__(self) -> None:
        check_at_least(1, samples=self.samples)


__getattr__ = former_facts(
    __name__,
    iwae=IWAELossConfig,
    miwae=MIWAELossConfig,
    ciwae=CIWAELossConfig,
    piwae=PIWAELossConfig,
    dreg=DReGLossConfig,
)
