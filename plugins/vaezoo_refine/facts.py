"""What the refinements say of themselves, without torch, and which settings they refuse."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import RefineFacts, former_facts
from vaezoo.errors import ConfigError


def check_walk(steps: int, step_size: float, largest_step: float, start: float) -> None:
    """Refuses a Hamiltonian walk that goes nowhere, or begins outside its bounds.

    Raises:
        ConfigError: There is no step, a size is out of (0, largest_step), or the inverse temperature out of (0, 1].
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
    """Refuses a metric that is none, or equations that are never solved.

    Raises:
        ConfigError: A number is not positive.
    """
    if centroids < 1 or fixed_points < 1 or not temperature > 0 or not floor > 0:
        came = (centroids, fixed_points, temperature, floor)
        raise ConfigError(
            f"Expected centroids and fixed_points >= 1, temperature and floor > 0, got {came}.", value=came
        )


def check_ascent(steps: int, rate: float, draws: int) -> None:
    """Refuses an ascent that does not move.

    Raises:
        ConfigError: There is no step or no draw, or the rate is out of (0, 1].
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
        latent_channels: Latent dimensions D, in each cell.
        latent_stride: Side of a cell in pixels; None for one vector a picture.
        steps: Leapfrog steps K.
        step_size: ε at first; one is learned for each channel.
        largest_step: The bound of the step size.
        start: The inverse temperature β₀ at first, learned; 1 is without tempering.

    Raises:
        ConfigError: There is no step, or a start is out of its bounds.
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
        """Returns what the refinement says of itself."""
        return RefineFacts(frozenset({"gaussian", "density"}))


@dataclass(frozen=True)
class RiemannianRefinementConfig:
    """Parameters of :class:`vaezoo_refine.riemannian.RiemannianRefinement`.

    Attributes:
        latent_channels: Latent dimensions D, in each cell.
        steps: Leapfrog steps K.
        step_size: ε at first; one for all latents, learned.
        largest_step: The bound of the step size.
        start: The inverse temperature β₀ at first, learned; 1 is without tempering.
        centroids: Centroids of the metric.
        temperature: T, how far a centroid reaches.
        floor: λ, the metric far from all of them.
        fixed_points: Iterations of each implicit equation.

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
        """Returns what the refinement says of itself."""
        return RefineFacts(frozenset({"gaussian", "density"}), vectors=True)


@dataclass(frozen=True)
class SemiAmortisedRefinementConfig:
    """Parameters of :class:`vaezoo_refine.amortised.SemiAmortisedRefinement`.

    Attributes:
        steps: Number of steps.
        rate: Factor on each step.
        draws: Pairs of draws for each estimate.
        through: Whether the gradient of the loss goes through the steps, by second derivatives; else they are
            constants that are added to the encoder's means and log-variances.

    Raises:
        ConfigError: There is no step or no draw, or the rate is out of (0, 1].
    """

    steps: int = 4
    rate: float = 0.2
    draws: int = 2
    through: bool = True

    def __post_init__(self) -> None:
        check_ascent(self.steps, self.rate, self.draws)

    def facts(self) -> RefineFacts:
        """Returns what the refinement says of itself."""
        return RefineFacts(frozenset({"gaussian"}))


__getattr__ = former_facts(
    __name__,
    hamiltonian=HamiltonianRefinementConfig,
    riemannian=RiemannianRefinementConfig,
    semi_amortised=SemiAmortisedRefinementConfig,
)
