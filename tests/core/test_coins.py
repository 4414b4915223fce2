"""Coins from logits: against torch's, at the extremes, for any number of pixels, and their gradients of both orders."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, distributions

from vaezoo.core.likelihood.coins import coin_log_prob


def drawn(pixels: int, spread: float = 4.0) -> tuple[Tensor, Tensor]:
    """Returns binary pixels (2, P) and logits (3, 2, P), in double precision."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, pixels, generator=generator, dtype=torch.float64).round()
    return x, spread * torch.randn(3, 2, pixels, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("pixels", [1, 7, 131, 784, 3072])  # 131 is a prime that is too large for one product
def test_coins_are_torchs(pixels: int) -> None:
    x, logits = drawn(pixels)
    expected = distributions.Bernoulli(logits=logits).log_prob(x.expand_as(logits)).sum(2)
    torch.testing.assert_close(coin_log_prob(x, logits), expected)
    with torch.no_grad():
        torch.testing.assert_close(coin_log_prob(x.float(), logits.float()), expected.float())


@pytest.mark.parametrize("spread", [0.0, 1e-3, 1.0, 30.0, 1e4])
def test_coins_lose_no_more_digits_than_softplus(spread: float) -> None:
    x, logits = drawn(784, spread)
    exact = (x * logits - F.softplus(logits)).sum(2)
    x, logits = x.float(), logits.float()
    plain = (x * logits - F.softplus(logits)).sum(2)
    bound = 2 * (plain - exact).abs().max() + 784 * torch.finfo(torch.float32).eps
    assert (coin_log_prob(x, logits) - exact).abs().max() <= bound


def test_gray_pixels() -> None:
    _, logits = drawn(10)
    x = torch.linspace(0, 1, 20, dtype=torch.float64).view(2, 10)
    expected = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(2)
    torch.testing.assert_close(coin_log_prob(x, logits), expected)


def test_gradients_of_both_orders() -> None:
    x, logits = drawn(12)
    inputs = (x.lerp(torch.full_like(x, 0.5), 0.3).requires_grad_(), logits.requires_grad_())
    assert torch.autograd.gradcheck(coin_log_prob, inputs)
    assert torch.autograd.gradgradcheck(coin_log_prob, inputs)


def test_functional_transforms() -> None:
    x, logits = drawn(12)

    def total(logits: Tensor) -> Tensor:
        return coin_log_prob(x, logits).sum()

    slopes = torch.func.vmap(torch.func.grad(total))(torch.stack([logits, -logits]))
    torch.testing.assert_close(slopes, x - torch.sigmoid(torch.stack([logits, -logits])))


def test_logits_are_left_as_they_were() -> None:
    x, logits = drawn(12)
    before = logits.clone()
    with torch.no_grad():
        coin_log_prob(x, logits)
    assert torch.equal(logits, before)
