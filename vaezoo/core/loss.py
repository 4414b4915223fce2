"""The loss slot, and the bound itself as a loss. The restoration loss is in ``restoration``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from .context import Batch

if TYPE_CHECKING:
    from .results import Bound
    from .vae import VAE


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
        """Returns the loss at one step."""


def bound_reports(bound: Bound) -> dict[str, Tensor]:
    """Returns elbo, distortion and rate of a bound, each the mean over images, in nats."""
    reports = {"elbo": bound.elbo, "distortion": bound.distortion, "rate": bound.rate}
    return {name: value.detach().mean() for name, value in reports.items()}


def check_at_least(minimum: float, /, **values: float) -> None:
    """Refuses settings below a minimum, and NaN.

    Raises:
        ConfigError: One is; the message names it.
    """
    for name, value in values.items():
        if not value >= minimum:
            raise ConfigError(f"Expected {name} of at least {minimum:g}, got {value}.", value=value)


@final
class ELBOLoss(Loss):
    """The negative bound, D + β·R, in nats per image.

    Args:
        beta: Weight of the rate; 1 is the bound itself.
        free_nats: The rate of each group (level) costs nothing below this, in nats per image.
        warmup: Steps over which beta rises from 0, linearly.
        samples: Posterior samples per image, K.

    Source: Auto-Encoding Variational Bayes (Kingma and Welling, 2013), eq. 3; free nats: Improved Variational
    Inference with Inverse Autoregressive Flow (Kingma et al., 2016), eq. 15, arXiv:1606.04934.
    """

    def __init__(self, beta: float = 1.0, free_nats: float = 0.0, warmup: int = 0, samples: int = 1) -> None:
        super().__init__()
        check_at_least(0, beta=beta, free_nats=free_nats, warmup=warmup)
        check_at_least(1, samples=samples)
        self.beta, self.free_nats, self.warmup, self.samples = beta, free_nats, warmup, samples

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`Loss.forward`."""
        bound = model(batch, k=self.samples)
        beta = self.beta * min(1.0, (step + 1) / self.warmup) if self.warmup else self.beta
        # A Monte Carlo rate may be negative by chance, so without free nats nothing is clamped.
        rates = [r.mean().clamp_min(self.free_nats) if self.free_nats else r.mean() for r in bound.latents.rate]
        loss = sum((beta * rate for rate in rates), start=bound.distortion.mean())
        if bound.latents.penalties:
            loss = loss + bound.penalty.mean()
        return Terms(loss, {**bound_reports(bound), "beta": torch.tensor(beta)})
