"""What the refinements say of themselves, without torch, and which settings they refuse."""

from __future__ import annotations

from vaezoo.core.facts import RefineFacts
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


def hamiltonian(
    latent_channels: int,
    latent_stride: int | None = None,
    steps: int = 3,
    step_size: float = 0.05,
    largest_step: float = 0.5,
    start: float = 0.5,
) -> RefineFacts:
    """Facts of :class:`vaezoo_refine.hamiltonian.HamiltonianRefinement`."""
    check_walk(steps, step_size, largest_step, start)
    return RefineFacts(frozenset({"gaussian", "density"}))


def riemannian(
    latent_channels: int,
    steps: int = 3,
    step_size: float = 0.01,
    largest_step: float = 0.1,
    start: float = 0.5,
    centroids: int = 32,
    temperature: float = 1.5,
    floor: float = 0.1,
    fixed_points: int = 4,
) -> RefineFacts:
    """Facts of :class:`vaezoo_refine.riemannian.RiemannianRefinement`."""
    check_walk(steps, step_size, largest_step, start)
    check_metric(centroids, temperature, floor, fixed_points)
    return RefineFacts(frozenset({"gaussian", "density"}), vectors=True)


def semi_amortised(steps: int = 4, rate: float = 0.2, draws: int = 2, through: bool = True) -> RefineFacts:
    """Facts of :class:`vaezoo_refine.amortised.SemiAmortisedRefinement`."""
    check_ascent(steps, rate, draws)
    return RefineFacts(frozenset({"gaussian"}))
