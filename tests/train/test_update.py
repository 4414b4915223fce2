"""A step with several phases, clipping and weight decay."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from vaezoo.core import Batch, Loss, Objective, Phase, Terms
from vaezoo.errors import TrainingError
from vaezoo.train.ranks import Ranks
from vaezoo.train.recipe import OptimizerRecipe, Precision
from vaezoo.train.update import Updater

from . import toy

CPU = torch.device("cpu")
ALONE = Ranks(0, 1, CPU)


class TwoPhases(Loss):
    """A critic that is trained at every second step, and never by the model's loss."""

    phases = (Phase("model", ("model",)), Phase("critic", ("loss.critic",), every=2))

    def __init__(self) -> None:
        super().__init__()
        self.critic = nn.Linear(64, 1)
        self.unused = nn.Parameter(torch.zeros(1), requires_grad=False)

    def forward(self, model: nn.Module, batch: Batch, step: int, phase: Phase | None = None) -> Terms:  # type: ignore[override]
        score = self.critic(model(batch.y).flatten(1)).mean()
        return Terms(score if phase is not None and phase.name == "model" else score.square())


def moved(before: dict[str, torch.Tensor], objective: nn.Module) -> set[str]:
    return {name for name, value in objective.named_parameters() if not torch.equal(before[name], value)}


def test_each_phase_moves_its_own_parameters_only() -> None:
    objective = Objective(toy.ToyModel(), TwoPhases())  # type: ignore[arg-type]
    updater = Updater(objective, toy.recipe(), 10, ALONE)
    for step, expected in ((0, {"model.conv.weight", "model.conv.bias", "loss.critic.weight", "loss.critic.bias"}),
                           (1, {"model.conv.weight", "model.conv.bias"})):  # fmt: skip
        before = {name: value.detach().clone() for name, value in objective.named_parameters()}
        reports = updater.update(step, [toy.source().batch(step, range(4), 4, CPU)])
        assert moved(before, objective) == expected
        assert set(reports) == {"model.loss", "critic.loss"} if step == 0 else {"model.loss"}


def test_only_what_a_recipe_names_is_trained() -> None:
    objective = Objective(toy.ToyModel(), toy.ToyLoss())
    updater = Updater(objective, toy.recipe(only=["conv.b"]), 10, ALONE)
    before = {name: value.detach().clone() for name, value in objective.named_parameters()}
    updater.update(0, [toy.source().batch(0, range(4), 4, CPU)])
    assert moved(before, objective) == {"model.conv.bias"}
    assert all(parameter.requires_grad for parameter in objective.parameters())
    with pytest.raises(TrainingError, match=r"begins with any of \['head'\]. .*one of \['conv'"):
        Updater(objective, toy.recipe(only=["head"]), 10, ALONE)


def test_a_phase_without_parameters_is_refused() -> None:
    loss = toy.ToyLoss()
    loss.phases = (Phase("all", ("model", "loss")), Phase("critic", ("loss.critic",)))
    with pytest.raises(TrainingError, match=r"Phase 'critic' trains \('loss.critic',\), and no parameter"):
        Updater(Objective(toy.ToyModel(), loss), toy.recipe(), 10, ALONE)  # type: ignore[arg-type]


def test_one_step_is_adamw_on_the_clipped_gradient() -> None:
    recipe = replace(toy.recipe(), optimizer=OptimizerRecipe(lr=0.1, warmup=0, clip=1e-3, weight_decay=0.5))
    objective, plain = toy.objective(0.0), toy.objective(0.0)
    kernel, bias = plain.parameters()
    batch = toy.source().batch(0, range(4), 4, CPU)
    Updater(objective, recipe, 10, ALONE).update(0, [batch])
    groups = [{"params": [kernel], "weight_decay": 0.5}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.1, betas=(0.9, 0.99))
    plain(batch, 0).loss.backward()
    assert float(nn.utils.clip_grad_norm_(plain.parameters(), 1e-3)) > 1e-3
    optimizer.step()
    for name, value in objective.named_parameters():
        torch.testing.assert_close(value, plain.get_parameter(name))


def test_bf16_is_in_the_forward_pass_only() -> None:
    objective = toy.objective()
    updater = Updater(objective, toy.recipe(precision=Precision.bf16), 10, ALONE)
    reports = updater.update(0, [toy.source().batch(0, range(4), 4, CPU)])
    assert reports["loss"].dtype == torch.float32
    assert all(value.dtype == torch.float32 for value in objective.parameters())


def gradients(objective: nn.Module) -> list[torch.Tensor]:
    return [p.grad.clone() for p in objective.parameters() if p.grad is not None]


def test_pieces_of_a_batch_add_up_to_the_gradient_of_the_whole() -> None:
    """Adam takes a gradient of any length alike, so the gradient itself is looked at, below what is clipped."""
    recipe = replace(toy.recipe(), optimizer=OptimizerRecipe(clip=0.0))
    whole, parted = toy.objective(0.0), toy.objective(0.0)
    batches = [toy.source().batch(0, rows, 4, CPU) for rows in (range(4), range(2), range(2, 4))]
    Updater(whole, recipe, 10, ALONE).update(0, batches[:1])
    reports = Updater(parted, recipe, 10, ALONE).update(0, batches[1:])
    torch.testing.assert_close(gradients(parted), gradients(whole))
    with torch.no_grad():
        losses = [toy.objective(0.0)(batch, 0).loss for batch in batches[1:]]
    torch.testing.assert_close(reports["loss"], torch.stack(losses).mean())


def test_gradients_are_averaged_over_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two processes with the same rows, each has the gradient of one alone."""
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: tensor.mul_(2))
    recipe = replace(toy.recipe(), optimizer=OptimizerRecipe(clip=0.0))
    alone, both = toy.objective(0.0), toy.objective(0.0)
    batch = toy.source().batch(0, range(4), 4, CPU)
    reports = [
        Updater(objective, recipe, 10, ranks).update(0, [batch])
        for objective, ranks in ((alone, ALONE), (both, Ranks(0, 2, CPU)))
    ]
    torch.testing.assert_close(gradients(both), gradients(alone))
    torch.testing.assert_close(reports[1], reports[0])
