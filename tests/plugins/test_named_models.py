"""Every model of a codebook or a mixture learns, on a small set of drawn pictures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vaezoo import create_objective
from vaezoo.core import Batch
from vaezoo.testing import ModelContract


class TestMixture(ModelContract):
    model = "gmm-vae"


def pictures(images: int) -> Tensor:
    """Discs of several places and sizes, (N, 1, 28, 28)."""
    generator = torch.Generator().manual_seed(0)
    place, radius = 8 + 12 * torch.rand(images, 2, generator=generator), 3 + 4 * torch.rand(images, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    apart = (rows - place[:, 0, None, None]) ** 2 + (columns - place[:, 1, None, None]) ** 2
    return torch.sigmoid(radius[:, None, None] - apart.sqrt())[:, None]


@pytest.mark.parametrize(
    "name", ["vq-vae", "vq-vae-2", "residual-vq-vae", "product-vq-vae", "fsq-vae", "vamp-vae", "gmm-vae"]
)
def test_fifty_steps_lower_the_loss(name: str) -> None:
    objective, images = create_objective(name, seed=0), pictures(64)
    optimiser = torch.optim.Adam(objective.parameters(), lr=1e-3)
    losses = []
    for step in range(50):
        rows = torch.randperm(64, generator=torch.Generator().manual_seed(step))[:16]
        terms = objective(Batch(images[rows]), step)
        optimiser.zero_grad()
        terms.loss.backward()
        optimiser.step()
        losses.append(float(terms.loss.detach()))
    assert all(torch.isfinite(torch.tensor(losses)))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5]), (losses[:5], losses[-5:])
