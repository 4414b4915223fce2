"""Muon against the singular value decomposition, and its place in a step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from vaezoo.core import Batch, Loss, Objective, Phase, Terms
from vaezoo.train.muon import Muon, orthogonal
from vaezoo.train.ranks import Ranks
from vaezoo.train.recipe import OptimizerKind, OptimizerRecipe, load_recipe, recipe_hash
from vaezoo.train.update import Updater

from . import toy

ALONE = Ranks(0, 1, torch.device("cpu"))


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 16, 40)])
def test_orthogonal_keeps_singular_vectors_and_evens_their_values(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    inside = left.mT @ orthogonal(matrices) @ right.mT
    values = inside.diagonal(dim1=1, dim2=2)
    assert (values > 0.5).all() and (values < 1.3).all()
    torch.testing.assert_close(inside, torch.diag_embed(values), atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(40, 4), (8, 4, 3, 3)])
def test_an_update_has_adamws_size_and_decays(shape: tuple[int, ...]) -> None:
    parameter = nn.Parameter(torch.ones(shape))
    parameter.grad = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    Muon([parameter], lr=0.1, weight_decay=0.5).step()
    update = (parameter.detach() - 0.95) / -0.1
    assert update.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.25)
    assert (update * parameter.grad).sum() > 0


def test_it_descends_where_one_direction_is_steep() -> None:
    torch.manual_seed(0)
    target, scale = torch.randn(32, 32), torch.logspace(0, -3, 32)
    losses = {}
    for kind in (Muon, torch.optim.SGD):
        weight = nn.Parameter(torch.zeros(32, 32))
        optimizer = kind([weight], lr=0.1, momentum=0.9)
        for _ in range(100):
            loss = (((weight - target) * scale) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[kind] = ((weight - target) ** 2).mean().item()
    assert losses[Muon] < 0.7 * losses[torch.optim.SGD]


class TwoKernels(nn.Module):
    """One kernel for Muon; a small one and a vector for AdamW."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(32, 32), nn.Linear(32, 1)


class Score(Loss):
    phases = (Phase("all", ("model",)),)

    def forward(self, model: nn.Module, batch: Batch, step: int, phase: Phase | None = None) -> Terms:  # type: ignore[override]
        return Terms(model.last(model.hidden(batch.y.flatten(1)[:, :32]).relu()).square().mean())


def test_hidden_kernels_go_to_muon_and_the_rest_to_adamw_and_both_resume() -> None:
    torch.manual_seed(0)
    recipe = replace(toy.recipe(), optimizer=OptimizerRecipe(kind=OptimizerKind.muon, lr=0.01, warmup=0))
    model = TwoKernels()
    updater = Updater(Objective(model, Score()), recipe, 10, ALONE)  # type: ignore[arg-type]
    adamw, muon = updater.optimizers["all"]
    assert isinstance(muon, Muon) and muon.param_groups[0]["params"] == [model.hidden.weight]
    assert isinstance(adamw, torch.optim.AdamW) and len([p for g in adamw.param_groups for p in g["params"]]) == 3
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    updater.update(0, [toy.source().batch(0, range(4), 4, torch.device("cpu"))])
    assert not any(torch.equal(before[n], p) for n, p in model.named_parameters())
    assert {g["lr"] for o in (adamw, muon) for g in o.param_groups} == {0.01}
    other = Updater(Objective(TwoKernels(), Score()), recipe, 10, ALONE)  # type: ignore[arg-type]
    other.load(updater.state())
    (state,) = other.optimizers["all"][1].state.values()
    torch.testing.assert_close(state["mean"], muon.state[model.hidden.weight]["mean"])


def test_a_recipe_without_muon_keeps_the_hash_it_had_before_there_was_one() -> None:
    recipe = load_recipe("mlp-seed")
    assert recipe_hash(recipe) == "ec7886e81f860609ea6b935864b08c3af0da36f3c73a7856b0790ad963a9c6f2"
    assert recipe_hash(load_recipe("mlp-seed", ["optimizer.kind=muon"])) != recipe_hash(recipe)
