"""Autoencoders without a rate: what each penalty is against closed forms, what it refuses, and that all learn."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from vaezoo_penalties.losses import DenoisingLoss, SparseLoss, activity, corrupted, rate_divergence
from vaezoo_penalties.prior import TopKPrior, largest
from vaezoo_penalties.regularised import squared_slope

from tests.plugins.pictures import bars
from vaezoo import create, create_objective
from vaezoo.core import Batch, Context, Noise, Pyramid
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.testing import ModelContract, PluginContract

SMALL = {"encoder": {"hidden": [32]}, "decoder": {"hidden": [32]}}


class TestPlugin(PluginContract):
    package = "vaezoo_penalties"


class TestPlain(ModelContract):
    model = "ae"


class TestWeights(ModelContract):
    model = "rae-l2"


class TestGradient(ModelContract):
    model = "rae-gp"


class TestDenoising(ModelContract):
    model = "denoising-ae"


class TestDenoisingVAE(ModelContract):
    model = "denoising-vae"


class TestContractive(ModelContract):
    model = "contractive-ae"


class TestSparse(ModelContract):
    model = "sparse-ae"


class TestTopK(ModelContract):
    model = "top-k-ae"


# What each penalty is


def test_the_slope_of_a_linear_map_is_its_frobenius_norm() -> None:
    torch.manual_seed(0)
    w, x = torch.randn(3, 5), torch.randn(2, 5, requires_grad=True)
    exact = squared_slope(x @ w.T, x, 0)
    torch.testing.assert_close(exact, w.square().sum().expand(2))
    estimate = squared_slope(x @ w.T, x, 4000)
    torch.testing.assert_close(estimate, exact, rtol=0.05, atol=0)


def test_the_slope_of_a_curve_is_that_at_each_row_and_is_differentiable() -> None:
    x = torch.tensor([[0.3, -1.0], [2.0, 0.1]], requires_grad=True)
    gain = torch.tensor(1.5, requires_grad=True)
    found = squared_slope(gain * x**2, x, 0)
    torch.testing.assert_close(found, (4 * gain**2 * x**2).sum(1))
    torch.testing.assert_close(torch.autograd.grad(found.sum(), gain)[0], (8 * gain * x**2).sum())


@pytest.mark.parametrize("name", ["contractive-ae", "rae-gp"])
def test_slopes_are_there_without_gradients_too(name: str) -> None:
    objective = create_objective(name, seed=0, **SMALL)
    with torch.no_grad():
        terms = objective(Batch(bars(2, 0)), 0)
    assert terms.loss.isfinite() and not terms.loss.requires_grad


def test_contractive_is_the_distortion_and_the_encoders_jacobian() -> None:
    objective = create_objective("contractive-ae", seed=0, **SMALL, latent_channels=3, loss={"weight": 2.0})
    batch = Batch(bars(2, 0))
    terms = objective(batch, 0)
    jacobian = torch.func.jacrev(lambda x: objective.model.encode(x).mean)(batch.y)
    slope = sum(jacobian[i, :, i].square().sum() for i in range(2)) / 2
    torch.testing.assert_close(terms.loss, objective.model(batch).distortion.mean() + 2 * slope, rtol=1e-4, atol=1e-3)


def test_the_gradient_penalty_is_the_decoders_jacobian_and_the_decoders_only() -> None:
    settings = {"name": "rae-gp", "latent_weight": 0.0, "gradient_weight": 1e4, "probes": 0}
    objective = create_objective("ae", seed=0, **SMALL, latent_channels=3, loss=settings)
    batch = Batch(bars(2, 0))
    terms, bound = objective(batch, 0), objective.model(batch)
    state = bound.latents.state.detach()
    jacobian = torch.func.jacrev(lambda z: objective.model.decode(z).image)(state)
    slope = sum(jacobian[i, ..., i, :].square().sum() for i in range(2)) / 2
    torch.testing.assert_close(terms.loss, bound.distortion.mean() + 1e4 * slope, rtol=1e-4, atol=1e-2)
    weight = objective.model.encoder.believe.weight  # type: ignore[union-attr]
    mine, plain = (torch.autograd.grad(v, weight)[0] for v in (terms.loss, bound.distortion.mean()))  # type: ignore[arg-type]
    torch.testing.assert_close(mine, plain)


def test_the_weights_penalty_is_of_latents_and_decoder() -> None:
    objective = create_objective(
        "rae-l2", seed=0, **SMALL, loss={"name": "rae-l2", "latent_weight": 3.0, "decoder_weight": 0.5}
    )
    batch = Batch(bars(4, 0))
    bound = objective.model(batch)
    expected = bound.distortion.mean() + 1.5 * bound.belief.mean.square().sum(1).mean()
    expected = expected + 0.5 * sum(p.square().sum() for p in objective.model.decoder.parameters())
    torch.testing.assert_close(objective(batch, 0).loss, expected)


def test_the_rate_of_activity_is_a_divergence_of_bernoullis() -> None:
    found = torch.tensor([0.05, 0.5, 0.01])
    expected = torch.distributions.kl_divergence(
        torch.distributions.Bernoulli(torch.tensor(0.05)), torch.distributions.Bernoulli(found)
    ).sum()
    torch.testing.assert_close(rate_divergence(0.05, found), expected)
    z = torch.tensor([[1.0, 0.0], [-3.0, 0.0]])
    torch.testing.assert_close(activity(z), torch.tensor([(0.5 + 0.75) / 2, 0.0]))
    grid = z.T.reshape(1, 2, 2, 1)
    torch.testing.assert_close(activity(grid), activity(z))


def test_sparse_latents_are_weighed_as_their_measure_says() -> None:
    objective = create_objective("sparse-ae", seed=0, **SMALL, loss={"name": "sparse", "measure": "l1", "weight": 2.0})
    batch = Batch(bars(4, 0))
    bound = objective.model(batch)
    expected = bound.distortion.mean() + 2 * bound.belief.mean.abs().sum(1).mean()
    torch.testing.assert_close(objective(batch, 0).loss, expected)


@pytest.mark.parametrize("measure", ["rate", "l1"])
def test_a_sparse_penalty_makes_latents_smaller(measure: str) -> None:
    sizes = []
    for weight in (0.0, 30.0):
        objective = create_objective("sparse-ae", seed=0, **SMALL, loss={"measure": measure, "weight": weight})
        optimiser = torch.optim.Adam(objective.parameters(), lr=1e-3)
        for step in range(30):
            loss = objective(Batch(bars(16, step)), step).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        sizes.append(float(objective.model.encode(bars(16, 99)).mean.detach().abs().mean()))  # type: ignore[union-attr]
    assert sizes[1] < 0.5 * sizes[0]


def test_corruption_has_its_amount() -> None:
    torch.manual_seed(0)
    image = torch.full((50, 3, 20, 20), 0.5)
    noise = corrupted(image, "gaussian", 0.3) - image
    assert float(noise.std()) == pytest.approx(0.3, abs=0.005) and abs(float(noise.mean())) < 0.005
    masked = corrupted(image, "masking", 0.25)
    assert float((masked == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert set(masked.unique().tolist()) == {0.0, 0.5} and torch.equal(masked[:, 0], masked[:, 2])


@pytest.mark.parametrize("name", ["denoising-ae", "denoising-vae"])
def test_the_input_is_corrupted_and_the_target_is_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objective, x = create_objective(name, seed=0, **SMALL, loss={"beta": 2.0}), bars(4, 0)
    torch.manual_seed(0)
    terms = objective(Batch(x), 0)
    torch.manual_seed(0)
    bound = objective.model(Batch(corrupted(x, "gaussian", 0.3), x))
    rate = 2 * bound.rate.mean() if name == "denoising-vae" else 0
    torch.testing.assert_close(terms.loss, bound.distortion.mean() + rate)
    if name == "denoising-ae":
        plain = objective.eval()(Batch(x), 0).loss
        torch.testing.assert_close(plain, objective.model(Batch(x)).distortion.mean())


def test_a_prior_that_learns_is_fitted_to_latents_that_do_not_move() -> None:
    objective, batch = create_objective("ae", seed=0, **SMALL, prior="mixture"), Batch(bars(4, 0))
    terms, bound = objective(batch, 0), objective.model(batch)
    torch.testing.assert_close(terms.loss, (bound.distortion - bound.latents.log_p[0]).mean())
    weight = objective.model.encoder.believe.weight  # type: ignore[union-attr]
    mine, plain = (torch.autograd.grad(v, weight, retain_graph=True)[0] for v in (terms.loss, bound.distortion.mean()))  # type: ignore[arg-type]
    torch.testing.assert_close(mine, plain)
    assert torch.autograd.grad(terms.loss, objective.model.prior.means)[0].any()  # type: ignore[arg-type]


# The prior


def test_the_largest_in_magnitude_are_kept_in_each_cell() -> None:
    z = torch.tensor([[[3.0, -5.0, 1.0, 4.0]]])
    assert largest(z, 2).tolist() == [[[0.0, -5.0, 0.0, 4.0]]]
    grid = torch.randn(2, 3, 6, 2, 2, generator=torch.Generator().manual_seed(0))
    kept = largest(grid, 2)
    assert ((kept != 0).sum(2) == 2).all()
    assert (kept.abs().amax(2) == grid.abs().amax(2)).all()


def test_the_model_decodes_few_latents_and_draws_as_few() -> None:
    model = create("top-k-ae", seed=0, prior={"kept": 5})
    assert ((model(Batch(bars(3, 0)), k=2).latents.state != 0).sum(1) == 5).all()
    drawn = TopKPrior(6, 4, kept=2).sample(Context(3, (8, 12)), 2, Noise(seed=0)).z[0]
    assert drawn.shape == (2, 3, 6, 2, 3) and ((drawn != 0).sum(2) == 2).all()


# Misfits


def test_settings_that_make_no_sense_are_refused() -> None:
    for make, sentence in (
        (lambda: DenoisingLoss("gausian"), "Expected a corruption, got 'gausian'.*gaussian"),
        (lambda: DenoisingLoss("masking", 1.5), "share of pixels, at most 1, got 1.5"),
        (lambda: SparseLoss(measure="l2"), "Expected a measure, got 'l2'"),
        (lambda: SparseLoss(target=1.0), "target between 0 and 1, got 1.0"),
        (lambda: TopKPrior(4, kept=5), "kept from 1 to the 4 latent channels, got 5"),
        (lambda: create("top-k-ae", latent_channels=4), "kept from 1 to the 4 latent channels, got 8"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            make()


def test_a_pyramid_is_refused() -> None:
    with pytest.raises(IncompatibleParts, match="TopKPrior takes a posterior, but the encoder gives a pyramid"):
        TopKPrior(4).infer(Pyramid((torch.zeros(1, 4, 1, 1),)), Context(1, (1, 1)))


@pytest.mark.parametrize("loss", ["reconstruction", "rae-l2", "rae-gp", "contractive", "sparse"])
def test_a_belief_with_a_density_is_refused(loss: str) -> None:
    sentence = f"The loss '{loss}' takes a dirac belief, but the encoder 'mlp' gives a gaussian one"
    with pytest.raises(IncompatibleParts, match=sentence):
        create("mlp-vae", loss=loss)


# Training


def colour(x: Tensor) -> Tensor:
    return nn.functional.pad(x, (2, 2, 2, 2)).expand(-1, 3, -1, -1)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    "name",
    ["ae", "rae-l2", "rae-gp", "denoising-ae", "denoising-vae", "contractive-ae", "sparse-ae", "top-k-ae"],
)
def test_fifty_steps_lower_the_loss(name: str, wide: bool) -> None:
    size = {"image_channels": 3, "image_size": [32, 32]} if wide else {}
    objective = create_objective(name, seed=0, encoder={"hidden": [64]}, decoder={"hidden": [64]}, **size)
    torch.manual_seed(0)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-3)
    losses = []
    for step in range(50):
        loss = objective(Batch(colour(bars(16, step)) if wide else bars(16, step)), step).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    before, after = sum(losses[:5]) / 5, sum(losses[-5:]) / 5
    assert math.isfinite(after) and after < 0.9 * before
