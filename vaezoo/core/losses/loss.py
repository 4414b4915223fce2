"""The loss slot, and what all losses share."""

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
    """One optimiser's share of a step.

    Attributes:
        name: Its name in logs and checkpoints.
        trains: Prefixes of parameter names in the objective, such as ``("model", "loss")``.
        every: It runs at each step that is a multiple of this.
    """

    name: str
    trains: tuple[str, ...]
    every: int = 1


@final
@dataclass(frozen=True)
class Terms:
    """What a loss returns.

    Attributes:
        loss: What is minimised, a scalar.
        reports: Scalars for the log, by name; in nats per image unless the name says otherwise.
    """

    loss: Tensor
    reports: Mapping[str, Tensor] = field(default_factory=dict)


class Loss(ABC, nn.Module):
    """What training minimises. It asks the model for the passes it needs.

    Attributes:
        phases: One per optimiser; nearly always one that trains everything.
        freezes: Whether parameters that no phase trains are to stay as they are; else an objective refuses them.
    """

    phases: tuple[Phase, ...] = (Phase("all", ("model", "loss")),)
    freezes: bool = False

    @abstractmethod
    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """Returns the loss at one step, without the penalties of latents, which `vaezoo.core.Objective` adds."""


def bound_reports(bound: Bound) -> dict[str, Tensor]:
    """Returns elbo, distortion and rate of a bound, each the mean over images, in nats."""
    reports = {"elbo": bound.elbo, "distortion": bound.distortion, "rate": bound.rate}
    return {name: value.detach().mean() for name, value in reports.items()}
