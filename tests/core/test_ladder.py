"""The ladder: rates, densities and samples of its levels, by hand."""

from __future__ import annotations

from typing import final

import pytest
import torch
from torch import Tensor

from vaezoo.core import Context, DiagonalGaussian, LadderPrior, Level, Noise, Pyramid, kl
from vaezoo.errors import IncompatibleParts

CONTEXT = Context(2, (4, 4))


@final
class Step(Level):
    """p(z|h) = N(h, 1), q = N(h + evidence, ¼); the state is the sum of all z."""

    stride = 1

    def enter(self, state: Tensor | None, feature: Tensor | None) -> Tensor:
        return torch.zeros(self.rows, 3, 4, 4) if state is None else state

    def prior(self, state: Tensor) -> DiagonalGaussian:
        return DiagonalGaussian(state, torch.zeros_like(state))

    def posterior(self, state: Tensor, evidence: Tensor, prior: DiagonalGaussian) -> DiagonalGaussian:
        return DiagonalGaussian(state + evidence, torch.full_like(state, -1.4))

    def leave(self, state: Tensor, z: Tensor) -> Tensor:
        return state + z

    rows: int


def ladder(rows: int) -> LadderPrior:
    levels = [Step(), Step()]
    levels[0].rows = rows
    return LadderPrior(levels)


EVIDENCE = Pyramid((torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)))


def test_inference_by_hand() -> None:
    latents = ladder(10).infer(EVIDENCE, CONTEXT, 5, Noise(seed=0))
    top, low = latents.z
    assert top.shape == low.shape == (5, 2, 3, 4, 4) and latents.state.shape == (10, 3, 4, 4)
    torch.testing.assert_close(latents.state.view(5, 2, 3, 4, 4), top + low)
    unit, narrow = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), -1.4)
    for rate, evidence in zip(latents.rate, EVIDENCE.features, strict=True):
        torch.testing.assert_close(rate, kl(DiagonalGaussian(evidence, narrow), DiagonalGaussian(unit, unit)))
    log_p, log_q = torch.zeros(5, 2), torch.zeros(5, 2)
    for z, centre, evidence in ((top, torch.zeros_like(top), 0), (low, top, 1)):
        log_p += torch.distributions.Normal(centre, 1.0).log_prob(z).flatten(2).sum(2)
        q = torch.distributions.Normal(centre + EVIDENCE.features[evidence], torch.exp(torch.tensor(-0.7)))
        log_q += q.log_prob(z).flatten(2).sum(2)
    torch.testing.assert_close(latents.log_p, log_p)
    torch.testing.assert_close(latents.log_q, log_q)


def test_the_rate_is_the_mean_of_the_log_ratio() -> None:
    latents = ladder(4000).infer(EVIDENCE, CONTEXT, 2000, Noise(seed=0))
    assert latents.log_p is not None and latents.log_q is not None
    terms = latents.log_q - latents.log_p
    assert ((torch.stack(latents.rate).sum(0) - terms.mean(0)).abs() < 5 * terms.std(0) / 2000**0.5).all()


def test_samples_of_the_prior() -> None:
    latents = ladder(2000).sample(CONTEXT, 1000, Noise(seed=0))
    assert latents.rate == () and latents.log_q is None and latents.log_p is not None
    assert float(latents.z[0].std()) == pytest.approx(1, abs=0.02)
    assert float(latents.state.std()) == pytest.approx(5**0.5, abs=0.05)  # z₁ + z₂ with z₂ ~ N(z₁, 1)
    assert not ladder(2).sample(CONTEXT, 1, Noise(temperature=0)).state.any()


@final
class Louder(torch.nn.Module):
    def forward(self, state: Tensor, eps: Tensor) -> Tensor:
        return 10 * eps


def test_detail_is_in_samples_alone() -> None:
    plain, detailed = ladder(6), ladder(6)
    detailed.detail = Louder()
    drawn, gained = (each.sample(CONTEXT, 3, Noise(0.5, seed=1)) for each in (plain, detailed))
    eps = Noise(0.5, seed=1).normal((3, 2, 3, 4, 4), drawn.state, level=1).flatten(0, 1)
    torch.testing.assert_close(gained.state, drawn.state + 10 * eps)
    assert all(torch.equal(a, b) for a, b in zip(drawn.z, gained.z, strict=True))
    assert torch.equal(plain.sample(CONTEXT, 3, Noise(0)).state, detailed.sample(CONTEXT, 3, Noise(0)).state)
    told = [each.infer(EVIDENCE, CONTEXT, 3, Noise(seed=1)).state for each in (plain, detailed)]
    assert torch.equal(*told)


def test_samples_do_not_depend_on_chunks() -> None:
    whole = ladder(6).infer(EVIDENCE, CONTEXT, 3, Noise(seed=1))
    last = ladder(2).infer(EVIDENCE, CONTEXT, 1, Noise(seed=1).at(2))
    torch.testing.assert_close(whole.z[1][2], last.z[1][0])


def test_a_belief_of_another_kind_is_refused() -> None:
    with pytest.raises(IncompatibleParts, match="a pyramid of 2 features, but the encoder gives DiagonalGaussian"):
        ladder(2).infer(DiagonalGaussian(torch.zeros(2, 3), torch.zeros(2, 3)), CONTEXT)
    with pytest.raises(IncompatibleParts, match="a pyramid of 2 features, but the encoder gives 1 features"):
        ladder(2).infer(Pyramid(EVIDENCE.features[:1]), CONTEXT)
    with pytest.raises(IncompatibleParts, match="LadderPrior has no levels"):
        LadderPrior([]).sample(CONTEXT)
