"""The oracles of a rotation before codebooks, and of rounding again what rounding left."""

from __future__ import annotations

import math

import pytest
import torch
from vaezoo_codebook.scalar import ResidualFSQPrior
from vaezoo_codebook.vector import ProductVQPrior


def vectors(count: int) -> torch.Tensor:
    """(count, 4): the last two channels are the first two, but for a tenth."""
    wide, narrow = torch.randn(count, 2), 0.1 * torch.randn(count, 2)
    return torch.cat([wide + narrow, wide - narrow], 1)


def distortion_after_training(rotate: bool) -> float:
    """Deals four channels to two groups of 16 codes; returns the mean squared error of a vector."""
    torch.manual_seed(0)
    prior = ProductVQPrior(4, None, 2, 16, commitment=1.0, decay=0.9, rotate=rotate).train()
    optimizer = torch.optim.Adam(prior.parameters(), 2e-2) if rotate else None
    for _ in range(300):
        found = prior.quantise(vectors(256))
        if optimizer is not None:
            optimizer.zero_grad()
            found.penalties["commitment"].mean().backward()
            optimizer.step()
    with torch.no_grad():
        held = vectors(4096)
        return float(((prior.eval().quantise(held).values - held) ** 2).sum(1).mean())


def test_a_rotation_is_learnt_that_spends_codes_better() -> None:
    """Both groups tell the same two wide channels; turned, each tells one of them, with twice its variance."""
    one_wide = 0.0095  # error of the best 16 levels for a standard normal (Max, 1960)
    straight, turned = distortion_after_training(rotate=False), distortion_after_training(rotate=True)
    assert straight > 0.3 and 2 * 2 * one_wide < turned < 0.6 * straight


@torch.no_grad()
def test_a_rotation_keeps_lengths_and_is_undone() -> None:
    torch.manual_seed(0)
    prior, given = ProductVQPrior(6, None, 3, 512, rotate=True), torch.randn(512, 6)
    prior.generator.normal_()
    turn = prior.rotation()
    torch.testing.assert_close(turn @ turn.mT, torch.eye(6), atol=1e-5, rtol=0)
    assert (turn - torch.eye(6)).abs().max() > 0.1
    prior.train().quantise(given)  # the entries start on the first batch
    found = prior.eval().quantise(given)
    torch.testing.assert_close(prior.look_up(found.codes), found.values)
    assert ((found.values - given) ** 2).mean() < 0.05


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("levels", [(2, 3), (5, 8)])
def test_each_rounding_divides_the_error(levels: tuple[int, ...], depth: int) -> None:
    prior = ResidualFSQPrior(2, None, levels, depth)
    z = torch.linspace(-4, 4, 999)[:, None].expand(-1, 2)
    error = (prior.quantise(z).values - torch.tanh(z)).abs().amax(0)
    for channel, level in enumerate(levels):
        bound = (level - 1) ** -depth
        assert 0.8 * bound < error[channel] <= bound * (1 + 1e-5)
    assert prior.sizes == (math.prod(levels),) * depth


def test_the_bound_passes_its_gradient_and_the_centre_is_zeros_code() -> None:
    prior = ResidualFSQPrior(2, None, (5, 4), 2, gain=0.5)
    z = torch.randn(20, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (got,) = torch.autograd.grad(prior.quantise(z).values.sum(), z)
    torch.testing.assert_close(got, (0.5 * (1 - torch.tanh(0.5 * z) ** 2)).detach())
    assert prior.centre() == tuple(int(code) for code in prior.quantise(torch.zeros(1, 2)).codes)
    assert prior.look_up(tuple(torch.tensor([code]) for code in prior.centre())).abs().max() <= 1 / 9 + 1e-6
