"""Configurations and facts of categorical beliefs, their priors and the loss of capacities, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import LossConfig, PriorConfig, PriorFacts, check_at_least, former_facts
from vaezoo.errors import ConfigError


def check_classes(latent_channels: int, classes: int, rest: bool = False) -> None:
    """Raises if latents cannot be split into variables with a number of classes.

    Args:
        latent_channels: Number of latent channels D in each cell.
        classes: Number C of classes of each variable.
        rest: Whether there is one variable and the other latents are Gaussian.

    Raises:
        ConfigError: The channels cannot be split.
    """
    if classes < 2:
        raise ConfigError(f"Expected at least 2 classes, got {classes}.", value=classes)
    if rest and latent_channels <= classes:
        raise ConfigError(
            f"Expected more than {classes} latent channels, {classes} for the classes and the rest Gaussian, got "
            f"{latent_channels}.",
            value=latent_channels,
        )
    if not rest and latent_channels % classes:
        raise ConfigError(
            f"Expected latent channels as a multiple of {classes} classes, got {latent_channels}.",
            value=latent_channels,
        )


def check_schedule(temperature: float, least: float, decay: float) -> None:
    """Raises if a schedule does not fall towards a temperature above 0.

    Raises:
        ConfigError: A number is out of range.
    """
    if not (0 < least <= temperature and decay >= 0):
        raise ConfigError(
            f"Expected 0 < least <= temperature and decay >= 0, got {least}, {temperature} and {decay}.",
            value=(temperature, least, decay),
        )


def categorical(classes: int = 10) -> BeliefKind:
    """Categorical belief: logits of D / classes variables, from D raw channels."""

    def channels(latent_channels: int) -> int:
        check_classes(latent_channels, classes)
        return latent_channels

    target = "vaezoo_discrete.posterior:categorical"
    return BeliefKind(f"categorical(classes={classes})", channels, target, {"classes": classes})


def gaussian_categorical(classes: int = 10) -> BeliefKind:
    """Belief of D − classes Gaussian latents and one categorical variable, from 2·D − classes raw channels."""

    def channels(latent_channels: int) -> int:
        check_classes(latent_channels, classes, rest=True)
        return 2 * latent_channels - classes

    target = "vaezoo_discrete.posterior:gaussian_categorical"
    return BeliefKind(f"gaussian-categorical(classes={classes})", channels, target, {"classes": classes})


@dataclass(frozen=True)
class CategoricalPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_discrete.prior.CategoricalPrior`.

    Attributes:
        classes: Number C of classes, as for the belief.
        straight_through: Whether latents are one-hot.
        temperature: Initial temperature; see :class:`vaezoo_discrete.prior.Schedule`.
        least: Lowest temperature.
        decay: Decay of the temperature per use in training.

    Raises:
        ConfigError: A setting is out of range.
    """

    classes: int = 10
    straight_through: bool = True
    temperature: float = 1.0
    least: float = 0.5
    decay: float = 3e-5

    def __post_init__(self) -> None:
        check_classes(self.latent_channels, self.classes)
        check_schedule(self.temperature, self.least, self.decay)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(frozenset({categorical(self.classes).fact}), (self.grid,), self.grid)


@dataclass(frozen=True)
class JointPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_discrete.prior.JointPrior`.

    Attributes:
        classes: Number C of classes, as for the belief.
        straight_through: Whether classes are one-hot. For its effect on rate and bound see :class:`CategoricalPrior`.
        temperature: Initial temperature; see :class:`vaezoo_discrete.prior.Schedule`.
        least: Lowest temperature.
        decay: Decay of the temperature per use in training.

    Raises:
        ConfigError: A setting is out of range.
    """

    classes: int = 10
    straight_through: bool = True
    temperature: float = 0.67
    least: float = 0.67
    decay: float = 0.0

    def __post_init__(self) -> None:
        check_classes(self.latent_channels, self.classes, rest=True)
        check_schedule(self.temperature, self.least, self.decay)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(frozenset({gaussian_categorical(self.classes).fact}), (self.grid,), self.grid)


@dataclass(frozen=True)
class JointCapacityLossConfig(LossConfig, beliefs=frozenset({"gaussian-categorical"})):
    """Parameters of :class:`vaezoo_discrete.losses.JointCapacityLoss`.

    Attributes:
        gaussian_nats: Final capacity C_z of the Gaussian latents, in nats per image.
        categorical_nats: Final capacity C_c of the categorical variable, in nats per image. It can use at most log C.
        gamma: Weight γ of the distances from the capacities.
        steps: Number of steps over which both rise linearly from 0.
    """

    gaussian_nats: float = 5.0
    categorical_nats: float = 2.3
    gamma: float = 30.0
    steps: int = 25000

    def __post_init__(self) -> None:
        check_at_least(0, gaussian_nats=self.gaussian_nats, categorical_nats=self.categorical_nats, gamma=self.gamma)
        check_at_least(1, steps=self.steps)


__getattr__ = former_facts(
    __name__, prior=CategoricalPriorConfig, joint_prior=JointPriorConfig, joint_capacity=JointCapacityLossConfig
)
