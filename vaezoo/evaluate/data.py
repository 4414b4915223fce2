"""The data of an evaluation, and the latents that a model encodes them to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Noise
from vaezoo.errors import ConfigError
from vaezoo.evaluate.memory import rows_within

Features = Callable[[Tensor], Tensor]
"""Function from images (B, C, H, W) to features (B, D)."""


@final
@dataclass(frozen=True)
class Data:
    """Images with their labels, factors and conditions.

    Attributes:
        images: Images (N, C, H, W) in [0, 1].
        labels: Class of each image, int64 (N,), or None.
        factors: Index of the value of each factor, int64 (N, F), or None.
        cond: Conditions for the model, such as ``{"label": (N,)}``.
    """

    images: Tensor
    labels: Tensor | None = None
    factors: Tensor | None = None
    cond: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, rows in {"labels": self.labels, "factors": self.factors, **self.cond}.items():
            if rows is not None and len(rows) != len(self.images):
                came = len(rows), len(self.images)
                raise ConfigError(f"Expected one row of {name} per image, got {came[0]} for {came[1]}.", value=came)


@final
@dataclass(frozen=True)
class Trial:
    """One call of `evaluate`, as every metric receives it.

    Attributes:
        model: Model in evaluation mode.
        data: Data to measure on.
        samples: Number of importance samples per image.
        seed: Random seed of all draws.
        max_mib: Bound on memory, in MiB.
        batch: Largest number of images at once.
        features: Features of images, for a distance between sets. None means a zoo model of the metric's name.
        precision: Precision of the networks, for a likelihood.
    """

    model: VAE
    data: Data
    samples: int
    seed: int
    max_mib: float
    batch: int
    features: Features | None = None
    precision: str = "fp32"

    def parts(self) -> Iterator[tuple[int, Batch]]:
        """Yields numbered batches of a size that memory allows."""
        first = {name: rows[:1] for name, rows in self.data.cond.items()}
        rows = min(self.batch, rows_within(self.model, self.data.images[:1], self.max_mib, cond=first))
        for number, start in enumerate(range(0, len(self.data.images), rows)):
            part = slice(start, start + rows)
            cond = {name: values[part] for name, values in self.data.cond.items()}
            yield number, Batch(self.data.images[part], cond=cond)

    @torch.no_grad()
    def codes(self) -> Tensor:
        """Returns the latents on the mean path, all levels concatenated, (N, D) float64 on the CPU."""
        found = []
        for _, part in self.parts():
            latents = self.model(part, noise=Noise(temperature=0)).latents
            found.append(torch.cat([z[0].flatten(1).double().cpu() for z in latents.z], 1))
        return torch.cat(found)


@contextmanager
def evaluating(model: VAE) -> Iterator[None]:
    """Context manager that sets a model to evaluation mode and restores its mode afterwards."""
    mode = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(mode)
