"""What categorical beliefs, their priors and the loss of capacities say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.beliefs import BeliefKind
from vaezoo.core.facts import Grid, LossFacts, PriorFacts
from vaezoo.errors import ConfigError


def check_classes(latent_channels: int, classes: int, rest: bool = False) -> None:
    """Refuses latents that cannot be dealt out to variables of so many classes.

    Args:
        latent_channels: D.
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


def prior(
    latent_channels: int,
    latent_stride: int | None = None,
    classes: int = 10,
    straight_through: bool = True,
    temperature: float = 1.0,
    least: float = 0.5,
    decay: float = 3e-5,
) -> PriorFacts:
    """Facts of :class:`vaezoo_discrete.prior.CategoricalPrior`."""
    check_classes(latent_channels, classes)
    check_schedule(temperature, least, decay)
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({categorical(classes).fact}), (grid,), grid)


def joint_prior(
    latent_channels: int,
    latent_stride: int | None = None,
    classes: int = 10,
    straight_through: bool = True,
    temperature: float = 0.67,
    least: float = 0.67,
    decay: float = 0.0,
) -> PriorFacts:
    """Facts of :class:`vaezoo_discrete.prior.JointPrior`."""
    check_classes(latent_channels, classes, rest=True)
    check_schedule(temperature, least, decay)
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({gaussian_categorical(classes).fact}), (grid,), grid)


def joint_capacity(
    gaussian_nats: float = 5.0, categorical_nats: float = 2.3, gamma: float = 30.0, steps: int = 25000
) -> LossFacts:
    """Facts of :class:`vaezoo_discrete.losses.JointCapacityLoss`."""
    return LossFacts(beliefs=frozenset({"gaussian-categorical"}))
