"""Every model of another space than the diagonal Gaussian's learns, gray and in colour."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from vaezoo import create_objective
from vaezoo.core import Batch
from vaezoo.errors import IncompatibleParts
from vaezoo.zoo import keeper
from vaezoo.zoo.registry import HOUSE

from .test_named_models import pictures

MODELS = ("svae", "poincare-vae", "gumbel-vae", "concrete-vae", "joint-vae", "gamma-vae", "full-gaussian-vae")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("over", [{}, {"image_channels": 3, "image_size": [32, 32]}], ids=["gray", "colour"])
def test_fifty_steps_lower_the_loss(name: str, over: dict[str, Any]) -> None:
    objective, images = create_objective(name, seed=0, **over), pictures(64)
    images = F.interpolate(images, objective.model.size).repeat(1, objective.model.channels, 1, 1)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-3)
    losses = []
    torch.manual_seed(0)
    for step in range(50):
        terms = objective(Batch(images[torch.randperm(64)[:16]]), step)
        optimiser.zero_grad()
        terms.loss.backward()
        optimiser.step()
        losses.append(float(terms.loss.detach()))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5]), (losses[:5], losses[-5:])


def losses() -> list[str]:
    return [name for name, owner, _ in keeper().registry.parts["loss"].all() if owner.partition(":")[0] == HOUSE]


@pytest.mark.parametrize("name", MODELS)
def test_every_loss_takes_it_or_says_why_not(name: str) -> None:
    taken = set()
    for loss in losses():
        try:
            objective = create_objective(name, seed=0, loss=loss)
        except IncompatibleParts as error:
            assert f"loss {loss!r}" in str(error)
            continue
        terms = objective(Batch(pictures(4)), 3)
        terms.loss.backward()
        assert terms.loss.isfinite(), loss
        grads = [p.grad for p in objective.model.parameters() if p.grad is not None]
        assert grads and all(grad.isfinite().all() for grad in grads), loss
        taken.add(loss)
    assert {"elbo", "beta", "iwae"} <= taken
