"""Refined posteriors on a model whose likelihood is exact, their contract, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, final

import pytest
import torch
from torch import Tensor
from vaezoo_refine import facts
from vaezoo_refine.amortised import SemiAmortisedRefinement
from vaezoo_refine.hamiltonian import HamiltonianRefinement
from vaezoo_refine.riemannian import RiemannianRefinement

import vaezoo
from vaezoo import create, create_objective
from vaezoo.core import (
    VAE,
    Batch,
    Context,
    Decoder,
    DiagonalGaussian,
    Dirac,
    FlatPrior,
    Likelihood,
    Noise,
    NormalPrior,
    Pyramid,
    Refinement,
)
from vaezoo.core.refine import infer_refined
from vaezoo.errors import ConfigError, IncompatibleParts, NotNormalised
from vaezoo.host.manager import current_zoo
from vaezoo.inspection.equivalent import python_of
from vaezoo.testing import ModelContract, PluginContract
from vaezoo.zoo.specs import resolve

from .descent import descent
from .linear_gaussian import PRECISION, LinearDecoder, exact_mean, linear_vae, log_likelihood

SMALL: dict[str, Any] = {"encoder": {"hidden": [64]}, "decoder": {"hidden": [64]}, "refine": {"steps": 2}}


class TestPlugin(PluginContract):
    package = "vaezoo_refine"


class TestHamiltonian(ModelContract):
    model = "hvae"
    params = SMALL


class TestRiemannian(ModelContract):
    model = "rhvae"
    params = SMALL


class TestSemiAmortised(ModelContract):
    model = "semi-amortised-vae"
    params = SMALL


class TestGrid(ModelContract):
    """Cells of a convolutional model, at every size."""

    model = "conv-beta"
    params = {"refine": "hamiltonian", "loss": "elbo"}


def refinement(kind: str) -> Refinement:
    torch.manual_seed(0)
    if kind == "hamiltonian":
        return HamiltonianRefinement(2, steps=4, step_size=0.15, start=0.6)
    if kind == "riemannian":
        return RiemannianRefinement(2, 2, 0.15, 0.3, 0.6, centroids=4, fixed_points=6)
    return SemiAmortisedRefinement(6, 0.3, draws=4)


@final
class Doubled(FlatPrior):
    """N(0, I), whose decoder sees 2·z."""

    latent_channels, latent_stride = 2, None

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        return NormalPrior(2).log_prob(z, context)

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        return eps

    def state(self, z: Tensor) -> Tensor:
        return 2 * z.flatten(0, 1)


@final
class Halved(Decoder):
    """The linear decoder of half the state."""

    channels, size = 1, (2, 2)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        return LinearDecoder()(state / 2, context)  # type: ignore[no-any-return]


KINDS = ("hamiltonian", "riemannian", "semi-amortised")
X = torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_mean_is_the_likelihood(kind: str) -> None:
    """E[p(x, z)/q] = p(x): each momentum, determinant and tempering factor has to be in log q."""
    model = linear_vae(refinement(kind))
    with torch.no_grad():
        log_w = model(Batch(X), k=4000, noise=Noise(seed=0)).log_weight.double()
    found = torch.logsumexp(log_w, 0) - math.log(4000)
    spread = (log_w - found).exp().std(0) / 4000**0.5
    assert (spread < 0.03).all(), spread
    torch.testing.assert_close(found.float(), log_likelihood(X), atol=5 * float(spread.max()), rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_refined_bound_lies_between_the_unrefined_and_the_likelihood(kind: str) -> None:
    refined, plain = linear_vae(refinement(kind)), linear_vae()
    optimiser = torch.optim.Adam([p for p in refined.refine.parameters()] or [torch.zeros(1)], lr=3e-2)
    torch.manual_seed(0)
    for _ in range(40 if list(refined.refine.parameters()) else 0):
        optimiser.zero_grad()
        (-refined(Batch(X), k=32).elbo.mean()).backward()
        optimiser.step()
    with torch.no_grad():
        bounds = [m(Batch(X), k=4000, noise=Noise(seed=1)).log_weight for m in (plain, refined)]
    low, high = (b.mean(0) for b in bounds)
    noise = float(bounds[1].std(0).max()) / 4000**0.5
    gap, left = log_likelihood(X) - low, log_likelihood(X) - high
    print(f"{kind}: {gap.mean():.3f} nats below log p(x) before, {left.mean():.3f} after")
    assert (left > -4 * noise).all() and (left < 0.7 * gap).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_nll_converges_and_its_chunks_do_not_matter(kind: str) -> None:
    model = linear_vae(refinement(kind))
    exact, noise = -log_likelihood(X), Noise(seed=2)
    estimates = [model.nll(Batch(X), k, chunk=1000, noise=noise).mean() for k in (1, 10, 2000)]
    assert abs(float(estimates[2] - exact.mean())) < 0.02
    torch.testing.assert_close(
        model.nll(Batch(X), 30, chunk=7, noise=noise), model.nll(Batch(X), 30, chunk=30, noise=noise)
    )
    runs = torch.stack([model.nll(Batch(X), 10, noise=Noise(seed=seed)).mean() for seed in range(20)])
    ones = torch.stack([model.nll(Batch(X), 1, noise=Noise(seed=seed)).mean() for seed in range(20)])
    assert exact.mean() - 0.02 < runs.mean() < ones.mean()


def test_an_ascent_ends_at_the_best_diagonal_gaussian() -> None:
    """Mean field: the exact mean, and the inverse of each diagonal element of the precision."""
    refine = SemiAmortisedRefinement(200, 0.05, draws=256)
    model = linear_vae(refine)

    def log_joint(z: Tensor) -> Tensor:
        gap = z - exact_mean(X)
        return -0.5 * (gap @ PRECISION * gap).sum(-1)

    with torch.no_grad():
        end = refine.ascend(model.encode(X), log_joint, Noise(seed=0))
    torch.testing.assert_close(end.mean, exact_mean(X), atol=2e-2, rtol=0)
    torch.testing.assert_close(end.logvar.mean(0), -PRECISION.diagonal().log(), atol=0.15, rtol=0)


@pytest.mark.parametrize("through", [True, False])
def test_the_gradient_goes_through_the_steps_or_past_them(through: bool) -> None:
    model = linear_vae(SemiAmortisedRefinement(2, 0.3, through=through), off=0.1)

    def value(off: float) -> Tensor:
        with torch.no_grad():
            model.encoder.off.fill_(off)
        return model(Batch(X), k=50, noise=Noise(seed=3)).log_weight.mean()

    slope = float(torch.autograd.grad(value(0.1), model.encoder.off)[0])
    by_hand = float((value(0.105) - value(0.095)).detach() / 0.01)
    assert (abs(slope - by_hand) < 0.02 * abs(by_hand)) == through, (slope, by_hand)


@pytest.mark.parametrize("kind", ["hamiltonian", "riemannian"])
def test_the_gradient_of_a_walk_is_that_of_its_value(kind: str) -> None:
    model = linear_vae(refinement(kind))

    def value() -> Tensor:
        return model(Batch(X), k=50, noise=Noise(seed=3)).log_weight.mean()

    for parameter in (model.encoder.off, model.refine.tempering.raw_step, model.refine.tempering.raw_start):
        slope = float(torch.autograd.grad(value(), parameter)[0].sum())
        with torch.no_grad():
            parameter += 1e-2
            high = value()
            parameter -= 2e-2
            low = value()
            parameter += 1e-2
        assert slope == pytest.approx(float((high - low) / 2e-2), rel=0.03, abs=2e-3)


def test_a_picture_is_reconstructed_from_the_refined_centre_and_restored_without() -> None:
    refined, plain = linear_vae(SemiAmortisedRefinement(60, 0.3)), linear_vae()
    with torch.no_grad():
        best = plain.decode(exact_mean(X)).image.clamp(0, 1)
    far, near = ((m.reconstruct(X) - best).abs().max() for m in (plain, refined))
    assert near < 1e-3 < 0.1 < far
    assert torch.equal(refined.restore(X).image, plain.restore(X).image)


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (32, 32))])
@pytest.mark.parametrize("name", ["hvae", "rhvae", "semi-amortised-vae"])
def test_fifty_steps_lower_the_loss(name: str, channels: int, size: tuple[int, int]) -> None:
    objective = create_objective(name, seed=0, image_channels=channels, image_size=size, **SMALL)
    before = {n: p.detach().clone() for n, p in objective.model.named_parameters() if n.startswith("refine.")}
    losses = descent(objective, channels, size)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5]), (losses[:5], losses[-5:])
    for name, parameter in objective.model.named_parameters():
        assert name not in before or not torch.equal(parameter, before[name]), f"{name} has not moved"


def test_a_refined_model_is_kept_whole(tmp_path: Path) -> None:
    model = create("hvae", seed=0, refine={"steps": 2}).eval()
    vaezoo.save(model, tmp_path / "kept")
    again = vaezoo.load(tmp_path / "kept")
    x = torch.rand(2, 1, 28, 28)
    assert again.refine.tempering.steps == 2
    with torch.no_grad():
        assert torch.equal(
            again(Batch(x), noise=Noise(seed=0)).latents.z[0], model(Batch(x), noise=Noise(seed=0)).latents.z[0]
        )
    told: dict[str, Any] = {}
    exec(python_of(resolve(current_zoo().registry, "hvae")), told)
    assert isinstance(told["model"].refine, HamiltonianRefinement)
    assert create("hvae", refine=None).refine is None


@pytest.mark.parametrize(
    ("model", "params", "sentence"),
    [
        ("denoise", {"refine": "hamiltonian"}, "density or gaussian belief, but the encoder 'pyramid' gives a pyramid"),
        ("mlp-vae", {"encoder": {"name": "mlp", "belief": "dirac"}, "refine": "hamiltonian"}, "gives a dirac one"),
        (
            "vq-vae",
            {"encoder": {"belief": "gaussian"}, "refine": "hamiltonian"},
            "but the prior 'vq' makes codes of them",
        ),
        (
            "iaf-vae",
            {"refine": "semi-amortised"},
            "takes a gaussian belief, but the encoder 'flow-mlp' gives a density",
        ),
        (
            "conv-beta",
            {"refine": "riemannian"},
            "moves vectors only, but the encoder 'conv' gives 16 channels at stride",
        ),
        (
            "hvae",
            {"loss": "dreg"},
            "The loss 'dreg' takes a gaussian belief, but the refine 'hamiltonian' makes a density",
        ),
        (
            "denoise",
            {"refine": {"name": "hamiltonian", "latent_channels": 4}, "encoder": None},
            "stands without an encoder",
        ),
    ],
)
def test_what_cannot_be_refined_is_refused_in_a_sentence(model: str, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(IncompatibleParts) as caught:
        create(model, **params)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("call", "settings", "message"),
    [
        (facts.hamiltonian, {"latent_channels": 2, "steps": 0}, "Expected steps of at least 1, got 0"),
        (facts.hamiltonian, {"latent_channels": 2, "step_size": 0.6}, r"< largest_step, got 0\.6 and 0\.5"),
        (facts.hamiltonian, {"latent_channels": 2, "start": 0.0}, r"start in \(0, 1\], got 0\.0"),
        (facts.riemannian, {"latent_channels": 2, "floor": 0.0}, r"floor > 0, got \(32, 4, 1\.5, 0\.0\)"),
        (facts.semi_amortised, {"rate": 1.5}, r"0 < rate <= 1, got 4, 2 and 1\.5"),
    ],
)
def test_settings_that_cannot_work_are_refused(call: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call(**settings)


def test_beliefs_without_a_density_are_refused_also_by_hand() -> None:
    def nothing(z: Tensor) -> Tensor:
        return z.sum(-1)

    for refine, message in (
        (HamiltonianRefinement(2), "begins at a draw with a density, but Dirac has none"),
        (SemiAmortisedRefinement(), "moves a DiagonalGaussian, got Dirac"),
    ):
        with pytest.raises(NotNormalised, match=message):
            refine(Dirac(torch.zeros(1, 2)), nothing)
    with pytest.raises(
        IncompatibleParts, match="HamiltonianRefinement takes a posterior under a flat prior, got Pyramid"
    ):
        infer_refined(
            HamiltonianRefinement(2), Pyramid(()), NormalPrior(2), linear_vae()._look, Context(1, (2, 2)), X, 1, None
        )
    denoise = create("denoise")
    parts = {"encoder": denoise.encoder, "prior": denoise.prior, "decoder": denoise.decoder}
    with pytest.raises(IncompatibleParts, match=r"needs an encoder and a flat prior, got \w+ and LadderPrior"):
        VAE(**parts, refine=HamiltonianRefinement(2))


def test_a_flow_posterior_and_a_mixture_prior_are_refined_too() -> None:
    for params in ({"encoder": {"name": "flow-mlp", "latent_channels": 16}}, {"prior": "mixture"}):
        model = create("hvae", seed=0, **params).eval()
        assert isinstance(model.prior, FlatPrior)
        bound = model(Batch(torch.rand(2, 1, 28, 28).round()), k=3, noise=Noise(seed=0))
        torch.testing.assert_close(bound.rate, (bound.latents.log_q - bound.latents.log_p).mean(0))
        assert bound.latents.z[0].shape == (3, 2, 16) and bound.elbo.isfinite().all()


@pytest.mark.parametrize("model", ["hvae", "rhvae", "semi-amortised-vae"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_floating_point_types_are_taken(model: str, dtype: torch.dtype) -> None:
    made, x = create(model, seed=0, dtype=dtype).eval(), torch.rand(2, 1, 28, 28).round().to(dtype)
    assert made.reconstruct(x).dtype == dtype and made.nll(Batch(x), 3).isfinite().all()
    made(Batch(x)).elbo.mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in made.parameters())


@pytest.mark.parametrize("model", ["hvae", "rhvae", "semi-amortised-vae"])
def test_inference_mode_is_refused_by_name(model: str) -> None:
    with torch.inference_mode(), pytest.raises(ConfigError, match=r"needs gradients, .* Use torch\.no_grad instead"):
        create(model, seed=0).reconstruct(torch.rand(1, 1, 28, 28))


@pytest.mark.parametrize("model", ["hvae", "rhvae", "semi-amortised-vae"])
def test_a_prior_that_draws_weighs_refined_samples_the_same_in_any_chunks(model: str) -> None:
    made = create(model, seed=0, prior={"name": "two-stage", "hidden": [8]}, refine={"steps": 2}).eval()
    x, noise = Batch(torch.rand(2, 1, 28, 28).round()), Noise(seed=0)
    torch.testing.assert_close(made.nll(x, 12, chunk=5, noise=noise), made.nll(x, 12, chunk=12, noise=noise))


@pytest.mark.parametrize("kind", KINDS)
def test_the_decoder_sees_the_priors_state_not_z(kind: str) -> None:
    """A prior whose state is 2·z, under a decoder of half the weights, is the same model."""
    same, plain = linear_vae(refinement(kind)), linear_vae(refinement(kind))
    same.prior, same.decoder = Doubled(), Halved()
    with torch.no_grad():
        found, expected = (model(Batch(X), k=3, noise=Noise(seed=0)) for model in (same, plain))
    torch.testing.assert_close(found.log_weight, expected.log_weight)
    torch.testing.assert_close(found.latents.state, 2 * expected.latents.state)


def test_the_belief_that_is_reported_is_the_encoders() -> None:
    model = linear_vae(refinement("hamiltonian"))
    bound = model(Batch(X), k=2)
    assert isinstance(bound.belief, DiagonalGaussian) and bound.context.batch == 5
    assert isinstance(model.context(X), Context)
