"""Every loss takes a model of another space than the diagonal Gaussian's, or says why not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vaezoo import create_objective
from vaezoo.core import Batch
from vaezoo.errors import IncompatibleParts
from vaezoo.host.manager import current_zoo
from vaezoo.registry.entries import HOUSE

MODELS = ("svae", "poincare-vae", "gumbel-vae", "concrete-vae", "joint-vae", "gamma-vae", "full-gaussian-vae")


def pictures(images: int) -> Tensor:
    """Discs of several places and sizes, (N, 1, 28, 28)."""
    generator = torch.Generator().manual_seed(0)
    place, radius = 8 + 12 * torch.rand(images, 2, generator=generator), 3 + 4 * torch.rand(images, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    apart = (rows - place[:, 0, None, None]) ** 2 + (columns - place[:, 1, None, None]) ** 2
    return torch.sigmoid(radius[:, None, None] - apart.sqrt())[:, None]


def losses() -> list[str]:
    return [name for name, owner, _ in current_zoo().registry.parts["loss"].all() if owner.partition(":")[0] == HOUSE]


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
