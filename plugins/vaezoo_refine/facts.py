"""Configurations and facts of the refinements, without torch, with checks of their settings."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import RefineFacts, former_facts
from vaezoo.errors import ConfigError


def check_walk(steps: int, step_size: float, largest_step: float, start: float) -> None:
    """Checks the settings of a Hamiltonian walk.

    Raises:
        ConfigError: ``steps`` is below 1, ``step_size`` is not in (0, largest_step), or ``start`` is not in (0, 1].
    """
    if steps < 1:
        raise ConfigError(f"Expected steps of at least 1, got {steps}.", value=steps)
    if not 0 < step_size < largest_step:
        raise ConfigError(
            f"Expected 0 < step_size < largest_step, got {step_size} and {largest_step}.",
            value=(step_size, largest_step),
        )
    if not 0 < start <= 1:
        raise ConfigError(f"Expected an inverse temperature start in (0, 1], got {start}.", value=start)


def check_metric(centroids: int, temperature: float, floor: float, fixed_points: int) -> None:
    """Checks the settings of a metric and of the fixed-point iterations.

    Raises:
        ConfigError: A number is not positive.
    """
    if centroids < 1 or fixed_points < 1 or not temperature > 0 or not floor > 0:
        came = (centroids, fixed_points, temperature, floor)
        raise ConfigError(
            f"Expected centroids and fixed_points >= 1, temperature and floor > 0, got {came}.", value=came
        )


def check_ascent(steps: int, rate: float, draws: int) -> None:
    """Checks the settings of an ascent.

    Raises:
        ConfigError: ``steps`` or ``draws`` is below 1, or ``rate`` is not in (0, 1].
    """
    if steps < 1 or draws < 1 or not 0 < rate <= 1:
        raise ConfigError(
            f"Expected steps and draws >= 1 and 0 < rate <= 1, got {steps}, {draws} and {rate}.",
            value=(steps, draws, rate),
        )


@dataclass(frozen=True)
class HamiltonianRefinementConfig:
    """Parameters of :class:`vaezoo_refine.hamiltonian.HamiltonianRefinement`.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        latent_stride: Side of a cell in pixels; None for one vector per image.
        steps: Number K of leapfrog steps.
        step_size: Initial step size ε. One is learned for each channel.
        largest_step: Upper bound of the step size.
        start: Initial inverse temperature β₀, which is learned. 1 means no tempering.

    Raises:
        ConfigError: ``steps`` is below 1, or a start value is out of its bounds.
    """

    latent_channels: int
    latent_stride: int | None = None
    steps: int = 3
    step_size: float = 0.05
    largest_step: float = 0.5
    start: float = 0.5

    def __post_init__(self) -> None:
        check_walk(self.steps, self.step_size, self.largest_step, self.start)

    def facts(self) -> RefineFacts:
        """Returns the facts of the refinement."""
        return RefineFacts(frozenset({"gaussian", "density"}))


@dataclass(frozen=True)
class RiemannianRefinementConfig:
    """Parameters of :class:`vaezoo_refine.riemannian.RiemannianRefinement`.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        steps: Number K of leapfrog steps.
        step_size: Initial step size ε. One is learned for all latents.
        largest_step: Upper bound of the step size.
        start: Initial inverse temperature β₀, which is learned. 1 means no tempering.
        centroids: Number of centroids of the metric.
        temperature: Reach T of a centroid.
        floor: Value λ of the inverse metric far from all centroids.
        fixed_points: Number of iterations for each implicit equation.

    Raises:
        ConfigError: A setting is out of its bounds.
    """

    latent_channels: int
    steps: int = 3
    step_size: float = 0.01
    largest_step: float = 0.1
    start: float = 0.5
    centroids: int = 32
    temperature: float = 1.5
    floor: float = 0.1
    fixed_points: int = 4

    def __post_init__(self) -> None:
        check_walk(self.steps, self.step_size, self.largest_step, self.start)
        check_metric(self.centroids, self.temperature, self.floor, self.fixed_points)

    def facts(self) -> RefineFacts:
        """Returns the facts of the refinement."""
        return RefineFacts(frozenset({"gaussian", "density"}), vectors=True)


@dataclass(frozen=True)
class SemiAmortisedRefinementConfig:
    """Parameters of :class:`vaezoo_refine.amortised.SemiAmortisedRefinement`.

    Attributes:
        steps: Number of steps.
        rate: Factor of each step.
        draws: Number of pairs of draws for each estimate.
        through: Whether the gradient of the loss goes through the steps, by second derivatives. Otherwise the steps are
            constants that are added to the encoder's means and log-variances.

    Raises:
        ConfigError: ``steps`` or ``draws`` is below 1, or ``rate`` is not in (0, 1].
    """

    steps: int = 4
    rate: float = 0.2
    draws: int = 2
    through: bool = True

    def __post_init__(self) -> None:
        check_ascent(self.steps, self.rate, self.draws)

    def facts(self) -> RefineFacts:
        """Returns the facts of the refinement."""
        return RefineFacts(frozenset({"gaussian"}))


__getattr__ = former_facts(
    __name__,
    hamiltonian=HamiltonianRefinementConfig,
    riemannian=RiemannianRefinementConfig,
    semi_amortised=SemiAmortisedRefinementConfig,
)
