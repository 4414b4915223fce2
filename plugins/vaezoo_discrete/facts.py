"""What categorical beliefs, their priors and the loss of capacities say of themselves, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import LossConfig, PriorConfig, PriorFacts, check_at_least, former_facts
from vaezoo.errors import ConfigError


def check_classes(latent_channels: int, classes: int, rest: bool = False) -> None:
    """Refuses latents that cannot be dealt out to variables of so many classes.

    Args:
        latent_channels: Latent dimensions D, in each cell.
        classes: C of each variable.
        rest: Whether there is one variable, and the other latents are Gaussian.

    Raises:
        ConfigError: They cannot.
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
    """Refuses a schedule that does not fall towards a temperature above 0.

    Raises:
        ConfigError: It does not.
    """
    if not (0 < least <= temperature and decay >= 0):
        raise ConfigError(
            f"Expected 0 < least <= temperature and decay >= 0, got {least}, {temperature} and {decay}.",
            value=(temperature, least, decay),
        )


def categorical(classes: int = 10) -> BeliefKind:
    """Logits of D / classes variables: D raw channels."""

    def channels(latent_channels: int) -> int:
        check_classes(latent_channels, classes)
        return latent_channels

    target = "vaezoo_discrete.posterior:categorical"
    return BeliefKind(f"categorical(classes={classes})", channels, target, {"classes": classes})


def gaussian_categorical(classes: int = 10) -> BeliefKind:
    """D − classes Gaussian latents, and logits of one variable: 2·D − classes raw channels."""

    def channels(latent_channels: int) -> int:
        check_classes(latent_channels, classes, rest=True)
        return 2 * latent_channels - classes

    target = "vaezoo_discrete.posterior:gaussian_categorical"
    return BeliefKind(f"gaussian-categorical(classes={classes})", channels, target, {"classes": classes})


@dataclass(frozen=True)
class CategoricalPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_discrete.prior.CategoricalPrior`.

    Attributes:
        classes: Classes C, as many as the belief has.
        straight_through: Whether latents are one-hot.
        temperature: Temperature at first, see :class:`vaezoo_discrete.prior.Schedule`.
        least: Lowest temperature.
        decay: Decay of the temperature at each use in training.

    Raises:
        ConfigError: A setting is outside its range.
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
        classes: Classes C, as many as the belief has.
        straight_through: Whether classes are one-hot; what that means for rate and bound: :class:`CategoricalPrior`.
        temperature: Temperature at first, see :class:`vaezoo_discrete.prior.Schedule`.
        least: Lowest temperature.
        decay: Decay of the temperature at each use in training.

    Raises:
        ConfigError: A setting is outside its range.
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
        gaussian_nats: Capacity C_z of the Gaussian latents at last, nats per image.
        categorical_nats: Capacity C_c of the categorical variable at last, nats per image; log C is what it can use.
        gamma: Weight γ of the distances from the capacities.
        steps: Steps over which both grow from 0, linearly.
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
