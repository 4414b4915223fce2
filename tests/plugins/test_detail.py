"""Detail: samples gain it and the mean path does not, a critic teaches it, and nothing else of the model moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from vaezoo_adversarial.detail import LEVEL, DetailLoss, look, octaves
from vaezoo_ladder.detail import DetailBranch

from tests.core.toy import SIZE, linear_vae
from vaezoo import create, create_objective, enhance
from vaezoo.core import VAE, Batch, Bernoulli, Noise, Objective
from vaezoo.errors import ConfigError, IncompatibleParts, TensorMismatch
from vaezoo.restore import Restorer
from vaezoo.testing import ModelContract
from vaezoo.train.checkpoint import warm_start
from vaezoo.train.ranks import Ranks
from vaezoo.train.recipe import OptimizerRecipe, Recipe
from vaezoo.train.update import Updater

SHAPE: dict[str, Any] = {"widths": [8, 12], "latents": [2, 3], "evidence": [4, 4], "blocks": 1}
MEAN = Noise(temperature=0)


class TestDenoiseDetail(ModelContract):
    model = "denoise-detail"
    params: Mapping[str, Any] = SHAPE


def restless(model: VAE) -> VAE:
    """Returns it with a branch that does something, and a mean path that does too."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.08)
    return model


def detailed() -> VAE:
    return restless(create("denoise-detail", **SHAPE)).eval()


def taught(**loss: Any) -> Objective:
    objective = create_objective("denoise-detail", seed=0, **SHAPE, loss={"name": "detail", **loss})
    restless(objective.model)
    return objective


def batch(size: int = 32) -> Batch:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(3, 3, size, size, generator=generator)
    return Batch(x + 0.1 * torch.randn(x.shape, generator=generator), x)


# The branch


def test_the_branch_is_zero_without_noise_and_odd_in_it() -> None:
    branch, state, eps = DetailBranch(8, 2, 6), torch.randn(2, 8, 9, 7), torch.randn(2, 2, 9, 7)
    assert not branch(state, eps).any(), "it starts as nothing"
    for parameter in branch.parameters():
        nn.init.normal_(parameter)
    assert not branch(state, torch.zeros_like(eps)).any()
    assert torch.equal(branch(state, -eps), -branch(state, eps)) and branch(state, eps).any()


def test_the_mean_path_the_posterior_and_the_bound_know_nothing_of_it() -> None:
    model, given = detailed(), batch()
    plain = create("denoise-small", **SHAPE).eval()
    plain.load_state_dict({n: t for n, t in model.state_dict().items() if not n.startswith("prior.detail")})
    for cond in ({}, {"sigma": torch.tensor([0.1, 0.2, 0.3])}):
        ours, theirs = (each.restore(given.y, cond) for each in (model, plain))
        assert torch.equal(ours.image, theirs.image) and torch.equal(ours.scale, theirs.scale)
    torch.manual_seed(0)
    elbo = model(given, k=2).elbo
    torch.manual_seed(0)
    assert torch.equal(elbo, plain(given, k=2).elbo)
    samples = [each.restore(given.y, samples=2, noise=Noise(seed=0), keep=True).samples for each in (model, plain)]
    assert (samples[0] - samples[1]).abs().max() > 1e-3


def test_the_knob_at_zero_is_the_mean_path_and_above_it_invents_more() -> None:
    model, y = detailed(), batch(40).y[0].permute(1, 2, 0).clamp(0, 1).numpy()
    plain, none, half, whole = (enhance(y, model=model, detail=d) for d in (0, 1e-9, 0.5, 1))
    assert np.array_equal(plain.restored, whole.restored) and plain.invented is None
    np.testing.assert_allclose(none.image, plain.image, atol=1e-6)
    size = [np.abs(found.invented).mean() for found in (none, half, whole)]  # type: ignore[arg-type]
    assert size[0] < 1e-6 < size[1] < size[2]


@pytest.mark.parametrize("size", [(150, 211), (96, 260)])
def test_detail_in_tiles_is_the_detail_of_the_whole(size: tuple[int, int]) -> None:
    model, y = detailed(), torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    whole, tiled = (Restorer(model, tile=tile, detail=1.0, seed=4)(y) for tile in (None, 96))
    assert tiled.tile == 96 and whole.average is not None and tiled.average is not None
    torch.testing.assert_close(tiled.average, whole.average, atol=1e-5, rtol=1e-4)
    assert (whole.average - whole.image).abs().mean() > 1e-3


def test_a_file_without_the_branch_grows_into_it(tmp_path: Path) -> None:
    plain = restless(create("denoise-small", **SHAPE)).eval()
    save_file(plain.state_dict(), tmp_path / "small.safetensors")
    model = create("denoise-detail", **SHAPE).eval()
    nn.init.ones_(model.prior.detail.out.weight)  # type: ignore[union-attr, arg-type]
    with pytest.raises(TensorMismatch, match=r"prior\.detail"):
        warm_start(model, str(tmp_path / "small.safetensors"))
    warm_start(model, str(tmp_path / "small.safetensors"), grow=True)
    y = batch().y
    for noise in (MEAN, Noise(seed=3)):
        ours, theirs = (each.path(each.context(y), 1, noise)[1].image for each in (model, plain))
        assert torch.equal(ours, theirs)


def test_channels_below_none_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Expected detail as channels, 0 for no branch, got -1"):
        create("denoise", prior={"detail": -1})


# The loss


def test_branch_and_critic_move_and_nothing_else() -> None:
    objective = taught(widths=[4, 8])
    recipe = Recipe(model="denoise-detail", steps=2, batch=3, optimizer=OptimizerRecipe(lr=1e-3, warmup=0))
    updater = Updater(objective, recipe, 2, Ranks(0, 1, torch.device("cpu")))
    start = {n: p.detach().clone() for n, p in objective.named_parameters()}
    for step in range(2):
        reports = updater.update(step, [batch()])
    moved = {n for n, p in objective.named_parameters() if not torch.equal(p, start[n])}
    assert moved == {n for n in start if n.startswith(("model.prior.detail.", "loss.critic."))}
    assert {"detail.fooling", "detail.invented_finest", "critic.critic_entropy"} <= reports.keys()


def test_what_is_judged_is_in_units_of_the_stated_sd() -> None:
    model, given = detailed(), batch()
    torch.manual_seed(0)
    with torch.no_grad():
        seen = look(model, given)
    mean = model.restore(given.y)
    own = model.path(model.context(given.y), noise=MEAN)[1]
    torch.testing.assert_close(seen.error * (mean.scale + LEVEL) + own.image, given.x)
    first, second = seen.invented.chunk(2)
    assert seen.place.shape == (3, 6, 32, 32) and not torch.equal(first, second)
    assert float((first + second).square().mean()) < float((first - second).square().mean())


def test_octaves_share_the_energy() -> None:
    """White noise has ¾ of it in the finest octave and 3/16 in the next; a constant all in the rest."""
    image = torch.randn(2, 3, 512, 512, generator=torch.Generator().manual_seed(0))
    found = octaves(image)
    assert found.shape == (2, 3, 32, 32)
    torch.testing.assert_close(found.sum(1).mean(), image.square().mean())
    torch.testing.assert_close(found.mean((0, 2, 3)), torch.tensor([3 / 4, 3 / 16, 1 / 16]), atol=2e-3, rtol=0)
    torch.testing.assert_close(octaves(torch.full((1, 3, 16, 16), 2.0)).flatten(), torch.tensor([1e-6, 1e-6, 4]))


class Taste(nn.Module):
    """A critic that likes what is high in the first of what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        return self.gain * shown[:, 0].square(), shown


def test_the_branch_goes_where_the_critic_is_fooled_and_the_limit_holds_it() -> None:
    """A critic that takes energy for truth is fooled by more of it, up to what the sd states."""
    objective = taught()
    objective.loss.critic = Taste()
    weight = objective.model.prior.detail.out.weight  # type: ignore[union-attr]
    grown = list[float]()
    for limit in (0.0, 1e6):
        objective.loss.limit, objective.loss.mean_weight, objective.loss.power = limit, 0.0, 0.0  # type: ignore[assignment]
        torch.manual_seed(0)
        terms = objective(batch(), 0, objective.loss.phases[0])
        slope = torch.autograd.grad(terms.loss, weight)[0]  # type: ignore[arg-type]
        grown.append(float((-slope * weight.detach()).sum()))  # how a step of descent scales the branch
    assert grown[0] > 0 > grown[1], "the restless branch invents more than the sd states"


def test_the_critic_tells_errors_from_inventions() -> None:
    objective, given = taught(widths=[4, 8]), batch()
    phase, optimiser = objective.loss.phases[1], torch.optim.Adam(objective.loss.parameters(), lr=3e-3)
    found = []
    for step in range(60):
        torch.manual_seed(step)
        terms = objective(given, step, phase)
        optimiser.zero_grad()
        terms.loss.backward()
        optimiser.step()
        found.append(float(terms.reports["critic_entropy"]))
    assert np.mean(found[:3]) > 0.6 > 0.4 > np.mean(found[-3:])


def test_a_model_without_a_branch_is_told_what_to_do() -> None:
    with pytest.raises(IncompatibleParts) as caught:
        create_objective("denoise-small", loss={"name": "detail"})
    assert "The loss 'detail' trains a branch of detail, but the prior 'ladder' has none: set its detail" in str(
        caught.value
    )
    with pytest.raises(IncompatibleParts, match=r"Set the prior's detail to a number of channels"):
        DetailLoss(1)(linear_vae(), Batch(torch.rand(2, 1, *SIZE)), 0)


def test_another_likelihood_is_refused() -> None:
    model = create("denoise-detail", **SHAPE)
    model.path = lambda *rows, **noise: (None, Bernoulli(torch.zeros(3, 3, 32, 32)))  # type: ignore[assignment, method-assign]
    with pytest.raises(IncompatibleParts, match="takes a Gaussian likelihood, but the decoder gives Bernoulli"):
        DetailLoss(3)(model, batch(), 0)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="limit of at least 0, got -1"):
        DetailLoss(3, limit=-1)
