"""Fifty steps of a model on drawn pictures of any size."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.core import Batch, Objective


def discs(images: int, channels: int, size: tuple[int, int]) -> Tensor:
    """Discs of several places and sizes, a colour each, (N, C, H, W) in [0, 1]."""
    draw = torch.Generator().manual_seed(0)
    place, radius = 0.3 + 0.4 * torch.rand(images, 2, generator=draw), 3 + 4 * torch.rand(images, generator=draw)
    rows, columns = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    apart = (rows - size[0] * place[:, 0, None, None]) ** 2 + (columns - size[1] * place[:, 1, None, None]) ** 2
    return torch.sigmoid(radius[:, None, None] - apart.sqrt())[:, None] * torch.rand(
        images, channels, 1, 1, generator=draw
    ).clamp_min(0.5)


def descent(objective: Objective, channels: int, size: tuple[int, int], steps: int = 50) -> list[float]:
    """Returns the loss of each step of AdamW at 1e-3 on 16 of 64 pictures, and leaves torch's generator alone."""
    images = discs(64, channels, size)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-3)
    losses = []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for step in range(steps):
            terms = objective(Batch(images[torch.randperm(64)[:16]]), step)
            optimiser.zero_grad()
            terms.loss.backward()
            optimiser.step()
            losses.append(float(terms.loss.detach()))
    return losses
