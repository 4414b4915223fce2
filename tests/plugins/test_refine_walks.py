"""The integrators: reversible, of determinant 1, and of the right energy; the metric and its Gaussian."""

from __future__ import annotations

import functools
import math
from copy import deepcopy

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import jacobian
from vaezoo_refine.hamiltonian import leapfrog
from vaezoo_refine.metric import CentroidMetric
from vaezoo_refine.riemannian import generalised_leapfrog, momentum_log_prob
from vaezoo_refine.tempering import Tempering

D = 3


def log_joint(z: Tensor) -> Tensor:
    """A density that is no Gaussian, (K, B, D) to (K, B)."""
    return -0.5 * z.square().sum(-1) - 0.25 * z.pow(4).sum(-1) + 0.4 * torch.sin(2 * z[..., 0] * z[..., 1])


@functools.cache
def metric() -> CentroidMetric:
    torch.manual_seed(0)
    made = CentroidMetric(D, 5, 1.5, 0.2).double()
    with torch.no_grad():
        made.factors.add_(0.3 * torch.randn_like(made.factors))
    return made


def inverse(z: Tensor) -> Tensor:
    """The metric in double precision, which the part itself does not need."""
    made = metric()
    lower = torch.tril(made.factors.detach())
    near = torch.exp(-(z.unsqueeze(-2) - made.centroids.detach()).square().sum(-1) / made.temperature**2)
    return torch.einsum("...c,cij->...ij", near, lower @ lower.mT) + made.floor * torch.eye(D, dtype=z.dtype)


def start() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return tuple(torch.randn(1, 1, D, generator=draw, dtype=torch.double) for _ in range(2))  # type: ignore[return-value]


def walk(
    kind: str, z: Tensor, momentum: Tensor, step: float, steps: int, fixed_points: int = 16
) -> tuple[Tensor, Tensor]:
    for _ in range(steps):
        if kind == "plain":
            z, momentum = leapfrog(log_joint, z, momentum, torch.tensor(step, dtype=z.dtype))
        else:
            size = torch.tensor(step, dtype=z.dtype)
            z, momentum = generalised_leapfrog(log_joint, inverse, z, momentum, size, fixed_points)
    return z, momentum


def energy(kind: str, z: Tensor, momentum: Tensor) -> Tensor:
    kinetic = 0.5 * momentum.square().sum(-1) if kind == "plain" else -momentum_log_prob(inverse(z), momentum)
    return kinetic - log_joint(z)


@pytest.mark.parametrize("kind", ["plain", "generalised"])
def test_a_walk_back_ends_where_it_began(kind: str) -> None:
    z, momentum = start()
    there, pushed = walk(kind, z, momentum, 0.1, 6)
    assert (there - z).abs().max() > 0.15
    back, pulled = walk(kind, there, -pushed, 0.1, 6)
    torch.testing.assert_close(back, z, atol=1e-8, rtol=0)
    torch.testing.assert_close(pulled, -momentum, atol=1e-8, rtol=0)


@pytest.mark.parametrize("kind", ["plain", "generalised"])
def test_a_walk_keeps_volume_and_the_symplectic_form(kind: str) -> None:
    z, momentum = start()

    def flat(both: Tensor) -> Tensor:
        ends = walk(kind, both[:D].view(1, 1, D), both[D:].view(1, 1, D), 0.15, 3)
        return torch.cat([end.flatten() for end in ends])

    whole = jacobian(flat, torch.cat([z.flatten(), momentum.flatten()]))
    form = torch.zeros(2 * D, 2 * D, dtype=torch.double)
    form[:D, D:], form[D:, :D] = torch.eye(D), -torch.eye(D)
    torch.testing.assert_close(torch.linalg.det(whole), torch.tensor(1.0, dtype=torch.double), atol=1e-8, rtol=0)
    torch.testing.assert_close(whole.T @ form @ whole, form, atol=1e-8, rtol=0)
    assert (whole - torch.eye(2 * D)).abs().max() > 0.2


def test_the_four_iterations_of_the_default_are_enough_at_its_largest_step() -> None:
    z, momentum = start()
    exact, rough = (walk("generalised", z, momentum, 0.1, 3, points) for points in (16, 4))
    torch.testing.assert_close(rough, exact, atol=2e-4, rtol=0)
    one = walk("generalised", z, momentum, 0.1, 3, 1)
    assert (one[1] - exact[1]).abs().max() > 10 * (rough[1] - exact[1]).abs().max()


@pytest.mark.parametrize("kind", ["plain", "generalised"])
def test_the_energys_error_shrinks_with_the_square_of_the_step(kind: str) -> None:
    z, momentum = start()
    begun = energy(kind, z, momentum)
    errors = [float((energy(kind, *walk(kind, z, momentum, 0.4 / n, n)) - begun).abs().detach()) for n in (8, 16)]
    assert errors[0] > 1e-8
    assert 3 < errors[0] / errors[1] < 5.5, errors


def test_the_momentum_is_a_gaussian_of_covariance_g() -> None:
    z = torch.randn(4, 2, D, dtype=torch.double)
    momentum = torch.randn(4, 2, D, dtype=torch.double)
    whole = torch.distributions.MultivariateNormal(torch.zeros(D, dtype=torch.double), precision_matrix=inverse(z))
    torch.testing.assert_close(momentum_log_prob(inverse(z), momentum), whole.log_prob(momentum))


@torch.no_grad()
def test_the_metric_is_the_papers() -> None:
    made, z = deepcopy(metric()).float(), torch.randn(3, 2, D)
    by_hand = torch.zeros(3, 2, D, D)
    for k in range(3):
        for b in range(2):
            by_hand[k, b] = 0.2 * torch.eye(D)
            for centroid, factor in zip(made.centroids, made.factors, strict=True):
                lower = torch.tril(factor)
                by_hand[k, b] += lower @ lower.T * math.exp(-float((z[k, b] - centroid).square().sum()) / 1.5**2)
    torch.testing.assert_close(made.inverse(z), by_hand)
    torch.testing.assert_close(made.inverse(z + 100), (0.2 * torch.eye(D)).expand(3, 2, D, D))
    torch.testing.assert_close(made.inverse(z), inverse(z.double()).float())


@torch.no_grad()
def test_metric_and_momentum_are_exact_under_bf16_too() -> None:
    made, z, momentum = deepcopy(metric()).float(), torch.randn(4, 2, D), torch.randn(4, 2, D)
    exact = made.inverse(z)
    known = momentum_log_prob(exact, momentum)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(made.inverse(z), exact) and torch.equal(momentum_log_prob(exact, momentum), known)


@torch.no_grad()
def test_cooling_undoes_what_the_first_momentum_was_widened_by() -> None:
    tempering = Tempering(2, 5, 0.1, 0.5, 0.3)
    factors = [float(tempering.cooling(number)) for number in range(1, 6)]
    assert float(tempering.first()) == pytest.approx(0.3**-0.5)
    assert math.prod(factors) == pytest.approx(0.3**0.5) and max(factors) < 1
    torch.testing.assert_close(tempering.step(), torch.tensor([0.1, 0.1]))
    cold = Tempering(2, 5, 0.1, 0.5, 1.0)
    assert cold.first() == 1 and cold.raw_start is None and {cold.cooling(n) for n in range(1, 6)} == {1.0}
