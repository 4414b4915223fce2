"""Bounds and likelihoods against a model whose answers are known."""

from __future__ import annotations

import pytest
import torch

from vaezoo import create
from vaezoo.errors import ConfigError, NotNormalised, ShapeError
from vaezoo.evaluate import binarise, evaluate_likelihood

from . import linear


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3000, 1, 2, 2, generator=torch.Generator().manual_seed(1))


def test_bound_and_likelihood_of_a_linear_model_are_exact(images: torch.Tensor) -> None:
    report = evaluate_likelihood(linear.model(), images, nll_samples=3, batch=700)
    exact = linear.exact_nll(images)
    assert report["nll_nats"] == pytest.approx(exact.mean().item(), abs=1e-5)
    assert report["nll_stderr_nats"] == pytest.approx(exact.std().item() / len(images) ** 0.5, rel=1e-4)
    assert report["elbo_nats"] == pytest.approx(-exact.mean().item(), abs=0.05)
    assert report["elbo_nats"] == pytest.approx(-report["distortion_nats"] - report["rate_nats"])
    assert report["active_units"] == 1 and report["images"] == 3000


def test_the_same_arguments_give_the_same_numbers(images: torch.Tensor) -> None:
    first, second, third = (evaluate_likelihood(linear.model(), images, seed=seed) for seed in (0, 0, 1))
    assert first == second != third


def test_each_batch_draws_its_own_noise(images: torch.Tensor) -> None:
    same = images[:1].expand(200, -1, -1, -1)
    distortions = [evaluate_likelihood(linear.model(), same[:n], batch=100)["distortion_nats"] for n in (100, 200)]
    assert distortions[0] != distortions[1]


def test_the_mode_of_the_model_and_gradients_are_left_alone(images: torch.Tensor) -> None:
    model = linear.model().train()
    evaluate_likelihood(model, images[:10])
    assert model.training and torch.is_grad_enabled()


def test_gray_pixels_have_a_bound_and_binarised_ones_a_likelihood() -> None:
    model = create("mlp-seed", seed=0).eval()
    gray = torch.rand(20, 1, 28, 28)
    assert evaluate_likelihood(model, gray)["rate_nats"] >= 0
    with pytest.raises(NotNormalised, match="Binarise"):
        evaluate_likelihood(model, gray, nll_samples=2)
    report = evaluate_likelihood(model, binarise(gray), nll_samples=2)
    assert 400 < report["nll_nats"] < 700 and report["nll_nats"] < -report["elbo_nats"] + 5


def test_levels_of_a_ladder_are_reported_and_add_up() -> None:
    report = evaluate_likelihood(create("denoise", seed=0), torch.rand(2, 3, 16, 16), batch=1)
    levels = [report[f"rate_nats_level_{level}"] for level in (1, 2, 3)]
    assert sum(levels) == pytest.approx(report["rate_nats"], abs=1e-4) and "active_units" not in report


def test_labels_reach_a_conditional_model() -> None:
    model, gray = create("conv-cvae", seed=0).eval(), torch.rand(6, 1, 28, 28)
    told = evaluate_likelihood(model, gray, cond={"label": torch.arange(6)}, batch=4)
    assert told["elbo_nats"] != evaluate_likelihood(model, gray, batch=4)["elbo_nats"]


def test_binarised_pixels_are_black_or_white_and_keep_their_mean() -> None:
    gray = torch.full((100, 1, 10, 10), 0.3)
    drawn = binarise(gray, seed=2)
    assert set(drawn.unique().tolist()) == {0.0, 1.0} and drawn.mean().item() == pytest.approx(0.3, abs=0.02)
    assert torch.equal(drawn, binarise(gray, seed=2)) and not torch.equal(drawn, binarise(gray, seed=3))


def test_what_cannot_be_measured_is_refused(images: torch.Tensor) -> None:
    with pytest.raises(ConfigError, match=r"two images or more.*got 1 images"):
        evaluate_likelihood(linear.model(), images[:1])
    with pytest.raises(ConfigError, match="batch=0"):
        evaluate_likelihood(linear.model(), images, batch=0)
    with pytest.raises(ShapeError, match=r"Expected images of shape \(B, 1, H, W\)"):
        evaluate_likelihood(linear.model(), torch.rand(2, 3, 2, 2))
