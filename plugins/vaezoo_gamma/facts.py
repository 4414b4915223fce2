"""Configurations and facts of belief and prior on positive latents, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import PriorConfig, PriorFacts, former_facts
from vaezoo.errors import ConfigError


def check_law(shape: float, rate: float) -> None:
    """Checks the parameters of a Gamma distribution.

    Raises:
        ConfigError: A parameter is not above 0.
    """
    if not (shape > 0 and rate > 0):
        raise ConfigError(f"Expected shape and rate above 0, got {shape} and {rate}.", value=(shape, rate))


def gamma() -> BeliefKind:
    """Gamma belief: a shape and a mean for each latent, from 2·D raw channels."""
    return BeliefKind("gamma", lambda d: 2 * d, "vaezoo_gamma.posterior:gamma")


@dataclass(frozen=True)
class GammaPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_gamma.prior.GammaPrior`.

    Attributes:
        shape: Shape a > 0 of the distribution.
        rate: Inverse scale b > 0 of the distribution.

    Raises:
        ConfigError: A parameter is not above 0.
    """

    shape: float = 2.0
    rate: float = 2.0

    def __post_init__(self) -> None:
        check_law(self.shape, self.rate)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(frozenset({"gamma"}), (self.grid,), self.grid)


__getattr__ = former_facts(__name__, gamma_prior=GammaPriorConfig)
