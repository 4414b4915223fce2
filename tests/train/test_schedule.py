"""The learning rate against its closed form, the average of weights against a plain sum."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vaezoo.train.recipe import OptimizerRecipe
from vaezoo.train.schedule import Average, learning_rate
from vaezoo.train.seeds import mix


def test_the_rate_warms_up_and_falls_by_a_cosine() -> None:
    recipe = OptimizerRecipe(lr=1.0, final_lr=0.1, warmup=4)
    assert [learning_rate(step, 13, recipe) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert learning_rate(8, 13, recipe) == pytest.approx(0.55)  # half way
    assert learning_rate(12, 13, recipe) == pytest.approx(0.1)
    assert learning_rate(0, 1, OptimizerRecipe(lr=1.0, warmup=0)) == 1.0


def test_the_average_is_exponential_and_copies_whole_numbers() -> None:
    model = nn.BatchNorm1d(1)
    assert model.num_batches_tracked is not None
    average = Average(model, decay=0.9)
    expected = float(model.weight.detach())
    for step in range(100):
        model.weight.data.fill_(step)
        model.num_batches_tracked.fill_(step)
        average.update(model, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert float(average.weights["weight"]) == pytest.approx(expected, rel=1e-5)
    assert int(average.weights["num_batches_tracked"]) == 99
    torch.testing.assert_close(average.weights["bias"], model.bias.detach())


def test_a_seed_depends_on_every_number_and_their_order() -> None:
    assert len({mix(0, 1), mix(1, 0), mix(0, 1, 1), mix(0, -1), mix(2**31, 1)}) == 5
    assert mix(3, 4) == mix(3, 4) < 2**63
