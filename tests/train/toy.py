"""A toy objective and source that every test of the loop shares."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from vaezoo.core import Batch, Loss, Objective, Phase, Terms
from vaezoo.data.sets import Images
from vaezoo.train.data import WholeImages
from vaezoo.train.packed import unpack
from vaezoo.train.recipe import DataRecipe, MachineRecipe, OptimizerRecipe, Recipe


class ToyModel(nn.Module):
    """One convolution, with a buffer that training moves."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, y: Tensor) -> Tensor:
        if self.training:
            self.seen.add_(y.mean().detach())
        return self.conv(y)


class ToyLoss(Loss):
    """Squared error under noise from torch's global generator; `noise` = 0 makes it the same in every process."""

    def __init__(self, noise: float = 0.1) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, model: nn.Module, batch: Batch, step: int, phase: Phase | None = None) -> Terms:  # type: ignore[override]
        error = model(batch.y + self.noise * torch.randn_like(batch.y)) - batch.target
        return Terms(error.square().mean(), {"error": error.abs().mean()})


def objective(noise: float = 0.1) -> Objective:
    torch.manual_seed(0)
    return Objective(ToyModel(), ToyLoss(noise))  # type: ignore[arg-type]


def source(count: int = 16, **data: object) -> WholeImages:
    pixels = torch.randint(256, (count, 8, 8, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return WholeImages((Images("toy", pixels.numpy(), "0" * 64, "none"),), DataRecipe(**data), 0)  # type: ignore[arg-type]


def recipe(**values: object) -> Recipe:
    values = {"epochs": 4.0, "batch": 4, "machine": MachineRecipe(log_every=4), **values}
    return Recipe(model="toy", optimizer=OptimizerRecipe(warmup=2), **values)  # type: ignore[arg-type]


def weights(folder: Path) -> dict[str, Tensor]:
    content = unpack((folder / "checkpoint.safetensors").read_bytes())
    return {**content["objective"], **{f"average.{k}": v for k, v in content["average"].items()}}
