"""Every density against an oracle: the Jacobian by automatic differentiation, an integral, an exact likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.functional import jacobian
from vaezoo_flows.bijections import Flow, PlanarTransform
from vaezoo_flows.posterior import FlowPosterior
from vaezoo_flows.prior import FlowPrior

from vaezoo.core import VAE, Batch, Context, Decoder, DiagonalGaussian, Encoder, Gaussian, Noise, NormalPrior

torch.set_num_threads(1)
Module = TypeVar("Module", bound=nn.Module)
KINDS = ("iaf", "nsf", "planar")


def stirred(module: Module, by: float = 0.3) -> Module:
    """The module with parameters far from the identity map."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(by * torch.randn(parameter.shape, generator=generator))
    return module


def flow_of(kind: str, latents: int = 3, by: float = 0.3) -> Flow:
    """A flow of three steps under four conditions."""
    torch.manual_seed(0)
    return stirred(Flow(kind, latents, 4, 3, (16,), 6), by)


def conditions(latents: int) -> Tensor:
    return torch.randn(2, 4, generator=torch.Generator().manual_seed(latents))


def posterior(kind: str, latents: int = 3, by: float = 0.3) -> FlowPosterior:
    """A belief about two images."""
    flow = flow_of(kind, latents, by)
    base = DiagonalGaussian(torch.randn(2, latents), 0.5 * torch.randn(2, latents))
    return FlowPosterior(base, flow(conditions(latents)))


def grid(side: float, steps: int) -> tuple[Tensor, float]:
    """Points of a square in the plane, (N, 2), and the area of each."""
    axis = torch.linspace(-side, side, steps)
    return torch.cartesian_prod(axis, axis), float(axis[1] - axis[0]) ** 2


@pytest.mark.parametrize("kind", KINDS)
def test_log_q_of_a_draw_is_the_change_of_variables(kind: str) -> None:
    q, flow, h = posterior(kind), flow_of(kind).double(), conditions(3).double()
    z, log_q = q.sample(2, Noise(seed=1))
    start, log_start = q.base.sample(2, Noise(seed=1))
    map_of = flow(h)
    moved, log_det = map_of.call_and_ladj(start.double())
    whole = jacobian(map_of, start.double())  # (K, B, D, K, B, D)
    assert log_det.abs().max() > 0.1, "the flow is too near the identity to test anything"
    for k in range(2):
        for b in range(2):
            _, exact = torch.linalg.slogdet(whole[k, b, :, k, b])
            torch.testing.assert_close(log_det[k, b], exact, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(z.double(), moved, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(log_q.double(), log_start.double() - log_det, atol=5e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_log_q_of_any_z_agrees_with_that_of_a_draw(kind: str) -> None:
    q = posterior(kind)
    z, log_q = q.sample(50, Noise(seed=2))
    torch.testing.assert_close(q.log_prob(z), log_q, atol=5e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", ["iaf", "planar"])
def test_the_gradient_of_log_q_is_that_of_the_change_of_variables(kind: str) -> None:
    q = posterior(kind)
    z = q.sample(1, Noise(seed=2))[0].detach()
    step = 1e-2
    z.requires_grad_()
    grads = torch.autograd.grad(q.log_prob(z).sum(), z)[0]
    for latent in range(3):
        moved = step * torch.eye(3)[latent]
        with torch.no_grad():
            slope = (q.log_prob(z + moved) - q.log_prob(z - moved)) / (2 * step)
        torch.testing.assert_close(grads[..., latent], slope, atol=0.05, rtol=0.05)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_a_posterior_integrates_to_one(kind: str) -> None:
    points, area = grid(12, 241)
    total = posterior(kind, latents=2, by=0.2).log_prob(points[:, None].expand(-1, 2, 2)).double().exp().sum(0) * area
    torch.testing.assert_close(total, torch.ones(2, dtype=torch.float64), atol=5e-3, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["maf", "nsf"])
def test_a_prior_integrates_to_one_and_its_samples_follow_it(kind: str) -> None:
    torch.manual_seed(0)
    prior = stirred(FlowPrior(2, flow=kind, flow_widths=(16,)), 0.2)
    context = Context(4000, (28, 28))
    points, area = grid(12, 241)
    density = prior.log_prob(points[None], context)[0].double().exp()
    assert abs(float(density.sum() * area) - 1) < 5e-3
    z = prior.sample(context, 1, Noise(seed=0)).z[0][0].double()
    mean = (points.double() * density[:, None]).sum(0) * area
    second = (points.double() ** 2 * density[:, None]).sum(0) * area
    torch.testing.assert_close(z.mean(0), mean, atol=0.15, rtol=0)
    torch.testing.assert_close((z**2).mean(0), second, atol=0.15, rtol=0.15)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["maf", "nsf"])
def test_a_prior_on_a_grid_is_the_sum_over_its_cells(kind: str) -> None:
    prior, flat = (stirred(FlowPrior(3, stride, flow=kind, flow_widths=(16,))) for stride in (4, None))
    flat.load_state_dict(prior.state_dict())
    z, context = torch.randn(2, 5, 3, 2, 4), Context(5, (8, 16))
    cells = sum(flat.log_prob(z[..., i, j], context) for i in range(2) for j in range(4))
    torch.testing.assert_close(prior.log_prob(z, context), cells)
    drawn = prior.sample(context, 2, Noise(seed=0))
    assert drawn.state.shape == (10, 3, 2, 4)
    eps = Noise(seed=0).normal((2, 5, 3, 2, 4), z, stride=4)
    torch.testing.assert_close(drawn.z[0][..., 1, 2], flat.draw(eps[..., 1, 2], context))


@torch.no_grad()
def test_temperature_zero_is_the_centre() -> None:
    prior, context = stirred(FlowPrior(3, flow_widths=(16,))), Context(2, (28, 28))
    (first,), (again,) = (prior.sample(context, 1, Noise(temperature=0)).z for _ in range(2))
    assert torch.equal(first, again) and torch.equal(first[0, 0], first[0, 1])
    q = posterior("iaf")
    torch.testing.assert_close(q.sample(1, Noise(temperature=0))[0][0], q.mean)


def test_a_planar_step_is_invertible_even_where_u_pulls_against_w() -> None:
    weight = torch.tensor([[2.0, -1.0], [1e-7, 0.0], [0.0, 0.0]])
    direction = torch.tensor([[-30.0, 4.0], [-5.0, 1.0], [3.0, 1.0]])
    step = PlanarTransform(weight, direction, torch.tensor([0.1, 0.2, 0.3]))
    assert (step.pull > -1).all() and step.direction.isfinite().all() and (step.direction.norm(dim=1) < 40).all()
    z = torch.randn(200, 3, 2)
    moved = step(z)
    assert step.log_abs_det_jacobian(z, moved).isfinite().all()
    torch.testing.assert_close(step.inv(moved)[:, 1:], z[:, 1:], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(step(step.inv(moved)), moved, atol=1e-4, rtol=1e-4)


# A linear-Gaussian model whose exact posterior is correlated: a diagonal Gaussian cannot be it.

WEIGHT = torch.tensor([[0.9, 0.8], [0.7, 0.9], [0.2, 0.4], [0.8, 0.7]])
VARIANCE = 0.2


@dataclass
class Truth:
    """The exact posterior mean, its covariance, and −log p(x) in nats."""

    mean: Tensor
    covariance: Tensor
    nll: Tensor


def truth(x: Tensor) -> Truth:
    precision = torch.eye(2) + WEIGHT.T @ WEIGHT / VARIANCE
    covariance = torch.linalg.inv(precision)
    marginal = torch.distributions.MultivariateNormal(torch.zeros(4), WEIGHT @ WEIGHT.T + VARIANCE * torch.eye(4))
    return Truth(x.flatten(1) @ WEIGHT @ covariance / VARIANCE, covariance, -marginal.log_prob(x.flatten(1)))


class LinearDecoder(Decoder):
    channels, size = 1, (2, 2)

    def forward(self, state: Tensor, context: Context) -> Gaussian:
        return Gaussian((state @ WEIGHT.T).view(-1, 1, 2, 2), torch.tensor(math.log(VARIANCE)))


class FlowEncoder(Encoder):
    """The best diagonal Gaussian, or one wider than the exact posterior, moved by a flow near the identity."""

    channels, size = 1, (2, 2)

    def __init__(self, kind: str, wide: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.wide = wide
        self.flow = Flow(kind, 2, 2, 2, (16,), 6)

    def forward(self, image: Tensor, context: Context) -> FlowPosterior:
        exact = truth(image)
        best, wide = (
            -torch.diagonal(torch.linalg.inv(exact.covariance)).log(),
            (3 * torch.diagonal(exact.covariance)).log(),
        )
        logvar = wide if self.wide else best
        return FlowPosterior(DiagonalGaussian(exact.mean, logvar.expand_as(exact.mean)), self.flow(exact.mean))


@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_is_below_the_likelihood_and_importance_sampling_reaches_it(kind: str) -> None:
    torch.manual_seed(1)
    x = torch.rand(6, 1, 2, 2)
    model = VAE(encoder=FlowEncoder(kind, wide=True), prior=NormalPrior(2), decoder=LinearDecoder()).eval()
    exact = truth(x).nll
    with torch.no_grad():
        bound = model(Batch(x), k=2000, noise=Noise(seed=0))
    weight = bound.log_weight
    assert (bound.elbo <= -exact + 4 * weight.std(0) / 2000**0.5).all()
    torch.testing.assert_close(model.nll(Batch(x), 4000, chunk=1000, noise=Noise(seed=1)), exact, atol=0.1, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flow_closes_the_gap_that_a_diagonal_gaussian_leaves(kind: str) -> None:
    torch.manual_seed(1)
    x = torch.rand(16, 1, 2, 2)
    exact = truth(x)
    precision = torch.linalg.inv(exact.covariance)
    gap = 0.5 * float(torch.diagonal(precision).log().sum() - torch.logdet(precision))  # min KL(diagonal‖exact)
    assert gap > 0.5
    model = VAE(encoder=FlowEncoder(kind), prior=NormalPrior(2), decoder=LinearDecoder())
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(250):
        optimiser.zero_grad()
        (-model(Batch(x), k=8).elbo.mean()).backward()
        optimiser.step()
    with torch.no_grad():
        left = float((-exact.nll - model(Batch(x), k=500, noise=Noise(seed=0)).elbo).mean())
    print(f"{kind}: {gap:.3f} nats under the best diagonal Gaussian, {left:.3f} under the flow")
    assert -0.03 < left < 0.35 * gap


@pytest.mark.parametrize("flow", ["maf", "nsf"])
def test_a_flow_fitted_after_training_is_nearer_the_latents_than_a_gaussian(flow: str) -> None:
    """Latents on a ring far from 0, of width 20: their own scale is taken in, and a Gaussian misses the hole."""
    generator = torch.Generator().manual_seed(0)
    angle = 2 * math.pi * torch.rand(4000, generator=generator)
    radius = 10 + 0.5 * torch.randn(4000, generator=generator)
    z = torch.stack([100 + radius * angle.cos(), radius * angle.sin()], 1)
    torch.manual_seed(0)
    prior = FlowPrior(2, None, flow, transforms=2)
    history = prior.fit(z, Context(4000, (8, 8)), steps=150)
    with torch.no_grad():
        found = float(prior.log_prob(z[:, None], Context(1, (8, 8))).mean())
        gaussian = torch.distributions.MultivariateNormal(z.mean(0), z.T.cov()).log_prob(z).mean()
        drawn = prior.sample(Context(2000, (8, 8)), 1, Noise(seed=0)).z[0][0]
    assert found == pytest.approx(sum(history[-20:]) / 20, abs=0.2) and found > float(gaussian) + 0.2
    assert float((drawn[:, 0].mean() - 100).abs()) < 1.5
    mass = (
        prior.log_prob(
            torch.cartesian_prod(torch.arange(40, 160, 0.5), torch.arange(-60, 60, 0.5))[:, None], Context(1, (8, 8))
        )
        .exp()
        .sum()
        * 0.5**2
    )
    assert float(mass.detach()) == pytest.approx(1, abs=0.03)
