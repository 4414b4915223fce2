"""Pictures with something to learn, and fifty steps on them."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo import create_objective
from vaezoo.core import Batch


def bars(images: int, seed: int) -> Tensor:
    """Returns (B, 1, 28, 28): a bright bar at a random place, upright or lying, on dark ground."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.randint(2, 22, (images,), generator=generator)
    columns = torch.arange(28)
    lit = ((columns >= place[:, None]) & (columns < place[:, None] + 4)).float()
    upright = lit[:, None, None, :].expand(images, 1, 28, 28)
    lying = torch.rand(images, generator=generator) < 0.5
    return torch.where(lying[:, None, None, None], upright.transpose(2, 3), upright).contiguous()


def descends(name: str, steps: int = 50) -> None:
    """Trains a named model as the trainer does, each phase under its optimiser; the last losses are below the first."""
    objective = create_objective(name, seed=0)
    torch.manual_seed(0)
    optimisers = {
        phase.name: torch.optim.Adam(
            [p for n, p in objective.named_parameters() if n.startswith(phase.trains)], lr=1e-3
        )
        for phase in objective.loss.phases
    }
    losses = []
    for step in range(steps):
        for phase in objective.loss.phases:
            objective.zero_grad()
            loss = objective(Batch(bars(16, step).expand(-1, objective.model.channels, -1, -1)), step, phase).loss
            loss.backward()
            optimisers[phase.name].step()
        losses.append(loss.detach())
    before, after = torch.stack(losses[:5]).mean(), torch.stack(losses[-5:]).mean()
    assert torch.isfinite(after) and after < before - 0.1 * before.abs(), f"{before} fell to {after} only"
