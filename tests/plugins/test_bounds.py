"""The importance-weighted bounds against a model whose likelihood is known, and the models that use them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from vaezoo_bounds.gradients import DReGLoss
from vaezoo_bounds.losses import CIWAELoss, IWAELoss, MIWAELoss, PIWAELoss

from tests.core.toy import SIZE, evidence, linear_vae
from vaezoo import create, create_objective
from vaezoo.core import VAE, Batch, ELBOLoss, Loss, Terms
from vaezoo.errors import ConfigError, IncompatibleParts, NotNormalised
from vaezoo.testing import ModelContract, PluginContract

X = 0.6 * torch.randn(8, 1, *SIZE, generator=torch.Generator().manual_seed(0))
SHIFT, WIDEN = 0.1, 1.6


class TestPlugin(PluginContract):
    package = "vaezoo_bounds"


class TestIWAE(ModelContract):
    model = "iwae"


class TestDReG(ModelContract):
    model = "dreg-vae"


class TestMIWAE(ModelContract):
    model = "miwae"
    params = {"loss": {"samples": 2, "groups": 3}}


class TestCIWAE(ModelContract):
    model = "ciwae"


class TestPIWAE(ModelContract):
    model = "piwae"
    params = {"loss": {"samples": 2, "groups": 3}}


def terms(loss: Loss, model: VAE | None = None, seed: int = 1) -> Terms:
    torch.manual_seed(seed)
    found: Terms = loss(model or linear_vae(SHIFT, WIDEN), Batch(X), 0)
    return found


@torch.no_grad()
def value(loss: Loss, draws: int = 400) -> float:
    """The mean loss, nats per image; its standard error is below 0.02 for all that follow."""
    return float(torch.stack([terms(loss, seed=seed).loss for seed in range(draws)]).mean())


def test_the_bound_rises_with_its_samples_from_elbo_to_likelihood() -> None:
    exact = -float(evidence().log_prob(X.flatten(1)).mean())
    elbo, one, five, many = value(ELBOLoss()), value(IWAELoss(1)), value(IWAELoss(5)), value(IWAELoss(500), 40)
    assert one == pytest.approx(elbo, abs=0.1)
    assert one > five + 0.05 > many + 0.05 and five > exact + 0.01
    assert many == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("loss", [IWAELoss(5), DReGLoss(5), MIWAELoss(2, 3), CIWAELoss(5, 0.5), PIWAELoss(2, 3)])
def test_the_exact_posterior_makes_every_bound_the_likelihood(loss: Loss) -> None:
    """All weights are p(x) then; minus its log, so that a flipped sign fails."""
    exact = -float(evidence().log_prob(X.flatten(1)).mean())
    assert float(terms(loss, linear_vae()).loss.detach()) == pytest.approx(exact, abs=1e-4)


def test_groups_and_betas_lead_from_one_bound_to_the_other() -> None:
    single, weighted = terms(CIWAELoss(6, 1.0)).loss, terms(IWAELoss(6)).loss
    assert single > weighted + 0.01
    torch.testing.assert_close(terms(MIWAELoss(1, 6)).loss, single)
    torch.testing.assert_close(terms(MIWAELoss(6, 1)).loss, weighted)
    torch.testing.assert_close(terms(CIWAELoss(6, 0.0)).loss, weighted)
    torch.testing.assert_close(terms(CIWAELoss(6, 0.25)).loss, 0.25 * single + 0.75 * weighted)
    assert weighted < terms(MIWAELoss(3, 2)).loss < single


def gradients(loss: Loss, draws: int) -> Tensor:
    """The gradient of the encoder's gain, once for each draw."""
    found = []
    for seed in range(draws):
        model = linear_vae(SHIFT, WIDEN)
        model.encoder.gain.data.fill_(0.6)
        terms(loss, model, seed).loss.backward()
        found.append(model.encoder.gain.grad)
    return torch.stack(found)


def test_the_doubly_reparameterised_gradient_has_the_same_mean_and_less_variance() -> None:
    plain, doubly = gradients(IWAELoss(16), 600), gradients(DReGLoss(16), 600)
    error = ((plain.var() + doubly.var()) / 600).sqrt()
    assert (plain.mean() - doubly.mean()).abs() < 4 * error
    assert doubly.mean().abs() > 10 * error, "a gradient of zero would agree with everything"
    assert doubly.var() < 0.5 * plain.var()


def test_at_the_exact_posterior_the_doubly_reparameterised_gradient_is_zero() -> None:
    model = linear_vae()
    terms(DReGLoss(5), model).loss.backward()
    assert float(model.encoder.gain.grad) == pytest.approx(0.0, abs=1e-4)


def test_the_decoder_under_it_has_the_gradient_of_the_weighted_bound() -> None:
    found = []
    for name in ("iwae", "dreg"):
        objective = create_objective("mlp-vae", seed=0, loss=name)
        torch.manual_seed(0)
        objective(Batch(torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))), 0).loss.backward()
        found.append(next(objective.model.decoder.parameters()).grad)
    torch.testing.assert_close(*found)


def test_each_phase_of_piwae_has_its_bound() -> None:
    loss = PIWAELoss(3, 2)
    model = linear_vae(SHIFT, WIDEN)
    for phase, same in zip(loss.phases, (MIWAELoss(3, 2), IWAELoss(6)), strict=True):
        torch.manual_seed(1)
        torch.testing.assert_close(loss(model, Batch(X), 0, phase).loss, terms(same, model).loss)


@pytest.mark.parametrize(
    ("name", "loss"),
    [("iwae", IWAELoss), ("dreg", DReGLoss), ("miwae", MIWAELoss), ("ciwae", CIWAELoss), ("piwae", PIWAELoss)],
)
def test_what_is_no_density_is_refused(name: str, loss: type[Loss]) -> None:
    decoder = {"likelihood": "gaussian", "scale": "optimal"}
    with pytest.raises(IncompatibleParts, match=f"The loss '{name}' weighs by a density of x, but the decoder 'mlp'"):
        create_objective("mlp-vae", loss=name, decoder=decoder)
    with pytest.raises(NotNormalised, match="needs a density of x, but OptimalGaussian is none"):
        loss()(create("mlp-vae", decoder=decoder), Batch(torch.rand(2, 1, 28, 28)), 0)


def test_the_encoders_bound_trains_its_refinement() -> None:
    objective = create_objective("hvae", loss={"name": "piwae", "samples": 2, "groups": 2}, refine={"steps": 1})
    inference, generation = (phase.trains for phase in objective.loss.phases)
    assert "model.refine" in inference and "model.refine" not in generation


def test_a_pyramid_is_refused_by_the_gradient_that_must_hold_q_still() -> None:
    with pytest.raises(IncompatibleParts, match="'dreg' takes a gaussian belief, but the encoder 'pyramid' gives"):
        create("denoise", loss="dreg")
    model = create("denoise", widths=[8, 8, 8], blocks=1)
    with pytest.raises(IncompatibleParts, match=r"Expected a DiagonalGaussian, whose .* got Pyramid"):
        DReGLoss()(model, Batch(torch.rand(1, 3, 16, 16)), 0)


def test_borders_of_their_numbers() -> None:
    with pytest.raises(ConfigError, match=r"Expected beta between 0 .* got 1\.5"):
        CIWAELoss(beta=1.5)
    for loss in (IWAELoss, DReGLoss, MIWAELoss, CIWAELoss, PIWAELoss):
        with pytest.raises(ConfigError, match="Expected samples of at least 1, got 0"):
            loss(samples=0)
