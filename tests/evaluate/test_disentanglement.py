"""Scores of codes whose answer is known: one latent a factor, all factors mixed, and noise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch

from vaezoo.errors import ConfigError
from vaezoo.evaluate import disentanglement as of
from vaezoo.evaluate.probe import train_probe

FACTORS = torch.tensor(list(product(range(4), range(5), range(6), range(8))))


def one_each() -> torch.Tensor:
    return FACTORS.double()


def mixed() -> torch.Tensor:
    """Every latent tells as much of every factor: a Hadamard rotation of standardised factors."""
    two = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    return of.standardise(one_each()) @ torch.kron(two, two) / 2


def noise() -> torch.Tensor:
    return torch.randn(len(FACTORS), 4, generator=torch.Generator().manual_seed(0))


SCORES: list[tuple[Callable[..., float], float, float]] = [
    (of.mig, 0.15, 0.02),
    (of.sap, 0.02, 0.01),
    (lambda z, v: of.dci(z, v)["disentanglement"], 0.05, 1.0),
    (lambda z, v: of.dci(z, v)["completeness"], 0.05, 1.0),
    (of.factorvae_score, 0.6, 0.35),
    (of.beta_vae_score, 1.0, 0.35),
]
"""The score, and the most that mixed latents and noise may have; a sparse lasso on noise is pure by chance,
and a linear classifier of differences sees through some rotations."""


@pytest.mark.parametrize(("score", "mixed_at_most", "noise_at_most"), SCORES)
def test_one_latent_a_factor_is_best_and_noise_is_not(
    score: Callable[..., float], mixed_at_most: float, noise_at_most: float
) -> None:
    assert score(one_each(), FACTORS) == pytest.approx(1, abs=0.02)
    assert score(one_each()[:, [2, 0, 3, 1]] * torch.tensor([1.0, -7, 0.1, 2]), FACTORS) == pytest.approx(1, abs=0.02)
    assert score(mixed(), FACTORS) <= mixed_at_most and score(noise(), FACTORS) <= noise_at_most


def test_modularity_is_one_alone_and_low_when_mixed() -> None:
    assert of.modularity(one_each(), FACTORS) == pytest.approx(1)
    two = torch.tensor(list(product(range(2), range(2))))
    both = two.sum(1, keepdim=True).double()
    assert of.modularity(both, two) == pytest.approx(0, abs=1e-9)


def test_information_of_known_tables() -> None:
    table = of.mutual_information(one_each(), FACTORS)
    assert table.diagonal().tolist() == pytest.approx([torch.tensor(float(n)).log().item() for n in (4, 5, 6, 8)])
    assert (table - table.diagonal().diag()).abs().max() < 1e-9


def test_informativeness_is_the_share_that_can_be_predicted() -> None:
    z = of.standardise(one_each()) + noise()
    found = of.dci(z, FACTORS)
    assert found["informativeness"] == pytest.approx(0.5, abs=0.06)
    assert of.dci(noise(), FACTORS)["informativeness"] < 0.02
    assert of.dci(one_each(), FACTORS)["informativeness"] > 0.99


def test_the_lasso_solves_its_conditions() -> None:
    x, y = of.standardise(noise().double() + 0.5 * of.standardise(one_each())), of.standardise(one_each())
    weight = of._lasso(x, y, 0.05)
    slope = x.T @ (y - x @ weight) / len(x)
    assert (slope.abs() <= 0.05 + 1e-6).all() and (weight == 0).any() and (weight != 0).any()
    assert torch.allclose(slope[weight != 0], 0.05 * weight.sign()[weight != 0], atol=1e-6)


def test_a_latent_that_never_changes_is_left_out() -> None:
    padded = torch.cat([one_each(), torch.full((len(FACTORS), 1), 3.0)], 1)
    assert of.factorvae_score(padded, FACTORS) == pytest.approx(1) and of.modularity(padded, FACTORS) == pytest.approx(
        1
    )


def test_a_probe_reads_what_is_linear_only() -> None:
    label = (torch.arange(2000) % 3).long()
    points = torch.nn.functional.one_hot(label, 3).double() + 0.05 * torch.randn(2000, 3, dtype=torch.float64)
    assert train_probe(points, label) > 0.99
    assert train_probe(torch.randn(2000, 3), label) == pytest.approx(1 / 3, abs=0.06)
    corners = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]).repeat(500, 1)
    assert train_probe(corners, (corners.sum(1) % 2).long()) < 0.6


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"got \(3, 2\) and \(4, 2\)"):
        of.mig(torch.zeros(3, 2), torch.zeros(4, 2))
    with pytest.raises(
        ConfigError, match="two factors and one latent that vary, got 4 factors, a largest variance of 0"
    ):
        of.mig(torch.zeros(len(FACTORS), 2), FACTORS)
    with pytest.raises(ConfigError, match="got 5 rows of 1 classes"):
        train_probe(torch.zeros(5, 2), torch.zeros(5).long())
