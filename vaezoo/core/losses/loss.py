"""The loss slot: the interface of a loss, its phases and its result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from torch import Tensor, nn

from vaezoo.core.context import Batch
from vaezoo.core.facts.checks import check_at_least as check_at_least

if TYPE_CHECKING:
    from vaezoo.core.results import Bound
    from vaezoo.core.vae import VAE


@final
@dataclass(frozen=True)
class Phase:
    """The part of a training step that belongs to one optimiser.

    Attributes:
        name: Name in logs and checkpoints.
        trains: Prefixes of the parameters that it trains, such as ``("model", "loss")``.
        every: Interval in steps: the phase runs at each step that is a multiple of it.
    """

    name: str
    trains: tuple[str, ...]
    every: int = 1


@final
@dataclass(frozen=True)
class Terms:
    """Result of a loss.

    Attributes:
        loss: Scalar to minimise.
        reports: Scalars for the log, by name, in nats per image unless the name has another unit.
    """

    loss: Tensor
    reports: Mapping[str, Tensor] = field(default_factory=dict)


class Loss(ABC, nn.Module):
    """What training minimises. The loss runs the model as often as it needs.

    Attributes:
        phases: One phase for each optimiser; nearly always a single one that trains everything.
        freezes: Whether parameters that no phase trains are frozen. Otherwise an objective refuses them.
    """

    phases: tuple[Phase, ...] = (Phase("all", ("model", "loss")),)
    freezes: bool = False

    @abstractmethod
    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """Returns the loss at one step. `vaezoo.core.Objective` adds the penalties of the latents to it."""


def bound_reports(bound: Bound) -> dict[str, Tensor]:
    """Returns the elbo, distortion and rate of a bound, each the mean over images, in nats."""
    reports = {"elbo": bound.elbo, "distortion": bound.distortion, "rate": bound.rate}
    return {name: value.detach().mean() for name, value in reports.items()}
