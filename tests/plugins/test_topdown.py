"""Ladders that generate: their contract, their densities, and that they learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from vaezoo_ladder import facts
from vaezoo_ladder.topdown import BottomUpEncoder

from vaezoo import create
from vaezoo.core import Batch, Context, DiagonalGaussian, LadderPrior, Noise, Pyramid, kl
from vaezoo.core.facts import Grid
from vaezoo.errors import ConfigError
from vaezoo.testing import ModelContract
from vaezoo.testing.model import stirred

SMALL: dict[str, Any] = {"widths": [4, 6], "depths": [1, 2], "prior": {"latents": [1, 2]}}


class TestLadderVAE(ModelContract):
    model = "ladder-vae"


class TestVeryDeep(ModelContract):
    model = "vdvae-small"
    params = {"depths": [2, 2, 2]}


def pictures(images: int, channels: int, side: int) -> torch.Tensor:
    """Discs of several places and sizes, (N, C, side, side)."""
    generator = torch.Generator().manual_seed(0)
    place, radius = 8 + 12 * torch.rand(images, 2, generator=generator), 3 + 4 * torch.rand(images, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    apart = (rows - place[:, 0, None, None]) ** 2 + (columns - place[:, 1, None, None]) ** 2
    return torch.sigmoid(radius[:, None, None] - apart.sqrt())[:, None].repeat(1, channels, 1, 1)


def test_the_rate_is_the_sum_of_the_levels_divergences_along_the_walk() -> None:
    model = create("ladder-vae", seed=0, **SMALL).eval()
    stirred(model)
    x = (torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    assert isinstance(model.prior, LadderPrior) and model.prior.top is not None
    context = model.context(x)
    belief = model.encode(x)
    assert isinstance(belief, Pyramid)
    with torch.no_grad():
        latents = model.prior.infer(belief, context, 1, Noise(seed=3))
        state, total, density = model.prior.top(2, context.size), 0.0, 0.0
        for level, evidence, z in zip(model.prior.levels, belief.features, latents.z, strict=True):
            state = level.enter(state, None)
            p = level.prior(state)
            q = level.posterior(state, evidence, p)
            assert isinstance(q, DiagonalGaussian)
            total = total + kl(q, p)
            normal = torch.distributions.Normal(p.mean, (0.5 * p.logvar).exp())
            density = density + normal.log_prob(z[0]).flatten(1).sum(1)
            state = level.leave(state, z[0])
    torch.testing.assert_close(sum(latents.rate), total)
    torch.testing.assert_close(latents.log_p, density[None])
    assert (total > 0).all()


def test_the_nll_falls_towards_the_truth_as_samples_grow() -> None:
    model = create("ladder-vae", seed=0, **SMALL).eval()
    stirred(model)
    batch = Batch((pictures(4, 1, 28) > 0.5).float())
    one = torch.stack([model.nll(batch, 1, noise=Noise(seed=s)) for s in range(48)]).mean(0)
    many = model.nll(batch, 64, noise=Noise(seed=99))
    assert (many < one).all()


def test_levels_of_a_scale_share_their_evidence_and_each_has_its_latents() -> None:
    model = create("ladder-vae", seed=0, **SMALL).eval()
    belief = model.encode(torch.rand(1, 1, 28, 28))
    assert isinstance(belief, Pyramid)
    assert [tuple(f.shape[1:]) for f in belief.features] == [(6, 7, 7), (6, 7, 7), (4, 14, 14)]
    assert belief.features[0] is belief.features[1]
    with torch.no_grad():
        z = model.prior.sample(Context(3, (28, 28)), 2).z
    assert [tuple(t.shape) for t in z] == [(2, 3, 2, 7, 7), (2, 3, 2, 7, 7), (2, 3, 1, 14, 14)]


def test_a_finer_scale_without_a_level_only_leads_to_the_coarser_one() -> None:
    said = facts.bottom_up(1, (4, 6, 8), (0, 1, 2))
    assert said.grids == (Grid(8, 8), Grid(8, 8), Grid(6, 4))
    encoder = BottomUpEncoder(1, (4, 6, 8), (0, 1, 2))
    found = encoder(torch.rand(1, 1, 32, 32), Context(1, (32, 32))).features
    assert [tuple(f.shape[1:]) for f in found] == [(8, 4, 4), (8, 4, 4), (6, 8, 8)]


def test_the_top_is_learned_and_resized_to_other_pictures() -> None:
    model = create("ladder-vae", seed=0, **SMALL)
    top = model.prior.top
    with torch.no_grad():
        top.state[:] = torch.arange(7.0)[None, None, :, None]
    assert torch.equal(top(2, (28, 28))[1, 0, :, 3], torch.arange(7.0))
    larger = top(1, (56, 56))[0, 0, :, 0]
    assert larger.shape == (14,) and (larger.diff() >= 0).all() and float(larger[-1].detach()) == 6
    model(Batch(torch.rand(2, 1, 28, 28))).elbo.mean().backward()
    assert top.state.grad is not None and top.state.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"depths": [1, 1, 1]}, "Expected one number per scale, and equal counts, got"),
        ({"depths": [0, 3]}, r"Expected depths as 1 or more numbers of at least 1, got \[0, 3\]"),
        ({"encoder": {"depths": [1, 0]}}, r"Expected depths as 1 or more numbers of at least 1, got \[1, 0\]"),
        ({"dropout": 1.0}, r"Expected a dropout in \[0, 1\), got 1.0"),
        ({"squeeze": 0}, "Expected a squeeze of at least 1, got 0"),
    ],
)
def test_impossible_settings_are_refused(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        create("ladder-vae", **params)


@pytest.mark.parametrize("modulate", ["film", "adain"])
def test_a_class_changes_every_level_and_the_evidence(modulate: str) -> None:
    parts = {"encoder": {"modulate": modulate}, "prior": {"latents": [1, 2], "modulate": modulate}}
    model = create("ladder-vae", seed=0, widths=[4, 6], depths=[1, 2], conditioner="labels", **parts).eval()
    stirred(model)
    x, same = torch.rand(2, 1, 28, 28).round(), Noise(seed=0)
    bounds = [model(Batch(x, cond={"label": torch.tensor([n, n])}), k=3, noise=same) for n in (0, 7)]
    for one, other in zip(*(bound.latents.rate for bound in bounds), strict=True):
        assert not torch.allclose(one, other)
    drawn = [model.sample(2, cond={"label": torch.tensor([n, n])}, noise=same) for n in (0, 7)]
    assert not torch.allclose(*drawn)
    z, context = [level[:1] for level in bounds[0].latents.z], model.context(x, {"label": torch.tensor([0, 0])})
    there = model.prior.between(tuple(z), tuple(z), torch.zeros(1), context, straight=True)
    for one, other in zip(there.z, z, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match="Expected modulate to be one of film, adain, got 'none'"):
        create("ladder-vae", conditioner="labels", prior={"modulate": "none"})
