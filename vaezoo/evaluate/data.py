"""What a model is measured on, and the codes it gives them."""

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
"""From images (B, C, H, W) to features (B, D)."""


@final
@dataclass(frozen=True)
class Data:
    """Images, and what is known of them.

    Attributes:
        images: (N, C, H, W) in [0, 1].
        labels: Class of each, int64 (N,), or None.
        factors: Index of each factor's value, int64 (N, F), or None.
        cond: What the model is told, such as ``{"label": (N,)}``.
    """

    images: Tensor
    labels: Tensor | None = None
    factors: Tensor | None = None
    cond: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, rows in {"labels": self.labels, "factors": self.factors, **self.cond}.items():
            if rows is not None and len(rows) != len(self.images):
                came = len(rows), len(self.images)
                raise ConfigError(f"Expected one row of {name} an image, got {came[0]} for {came[1]}.", value=came)


@final
@dataclass(frozen=True)
class Trial:
    """One call of `evaluate`: what every metric is given.

    Attributes:
        model: In evaluation mode.
        data: What it is measured on.
        samples: Importance samples an image.
        seed: Of all draws.
        max_mib: Bound on memory, MiB.
        batch: At most so many images at once.
        features: Of pictures, for a distance between sets; None for a zoo model of the metric's name.
        precision: Of the networks, for a likelihood.
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
        """Yields the batches that memory allows, numbered."""
        first = {name: rows[:1] for name, rows in self.data.cond.items()}
        rows = min(self.batch, rows_within(self.model, self.data.images[:1], self.max_mib, cond=first))
        for number, start in enumerate(range(0, len(self.data.images), rows)):
            part = slice(start, start + rows)
            cond = {name: values[part] for name, values in self.data.cond.items()}
            yield number, Batch(self.data.images[part], cond=cond)

    @torch.no_grad()
    def codes(self) -> Tensor:
        """Returns the latents on the mean path, all levels side by side, (N, D) float64 on the CPU."""
        found = []
        for _, part in self.parts():
            latents = self.model(part, noise=Noise(temperature=0)).latents
            found.append(torch.cat([z[0].flatten(1).double().cpu() for z in latents.z], 1))
        return torch.cat(found)


@contextmanager
def evaluating(model: VAE) -> Iterator[None]:
    """Puts a model into evaluation mode, and back into the mode it came in."""
    mode = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(mode)
