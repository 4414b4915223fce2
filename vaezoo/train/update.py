"""One training step: forward, backward and update of each phase. If that is impossible, it says what caused it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from vaezoo.core import Batch, Objective, Phase, Terms
from vaezoo.core.machine.arithmetic import arithmetic, keep_freed_memory
from vaezoo.errors import TrainingError
from vaezoo.moved import former
from vaezoo.train.optimizers import make_optimizers
from vaezoo.train.ranks import Ranks
from vaezoo.train.recipe import Recipe
from vaezoo.train.schedule import learning_rate
from vaezoo.train.seeds import mix, seed_torch


@final
class BadStep(Exception):
    """A loss or gradient is not finite. The text names the first such value."""


@final
class Updater:
    """The optimizers of an objective, one for each phase of its loss.

    Args:
        objective: Model and loss, on their device.
        recipe: Settings of the run.
        total: Number of steps of the whole run, for the schedule.
        ranks: Processes that share a step.
    """

    def __init__(self, objective: Objective, recipe: Recipe, total: int, ranks: Ranks) -> None:
        keep_freed_memory()
        self.objective, self.recipe, self.total, self.ranks = objective, recipe, total, ranks
        self.forward: Callable[..., Terms] = torch.compile(objective) if recipe.machine.compile else objective
        self.phases: tuple[Phase, ...] = objective.loss.phases
        self.parameters = {phase.name: _parameters(objective, phase, recipe.only) for phase in self.phases}
        self.optimizers = {name: make_optimizers(p, recipe.optimizer) for name, p in self.parameters.items()}

    def update(self, step: int, pieces: Sequence[Batch]) -> dict[str, Tensor]:
        """Runs one step. Returns its loss and reports, averaged over pieces.

        Raises:
            BadStep: A value was not finite. The phases before that one have been updated, but this one has not.
        """
        reports: dict[str, Tensor] = {}
        for index, phase in enumerate(self.phases):
            if step % phase.every == 0:
                reports |= self._run(phase, index, step, pieces)
        if self.ranks.world > 1:
            self.ranks.average([b for b in self.objective.buffers() if b.is_floating_point()])
        return reports

    def _run(self, phase: Phase, index: int, step: int, pieces: Sequence[Batch]) -> dict[str, Tensor]:
        parameters = self.parameters[phase.name]
        for parameter in parameters.values():
            parameter.grad = None
        reports: dict[str, Tensor] = {}
        for number, batch in enumerate(pieces):
            place = self.ranks.rank * len(pieces) + number  # in the batch: as many pieces on one process draw the same
            seed_torch(mix(self.recipe.seed, step, index, place, 0), self.ranks.device)
            with arithmetic(self.recipe.precision.value, self.ranks.device):
                terms = self.forward(batch, step, phase=phase)
            (terms.loss / len(pieces)).backward(inputs=list(parameters.values()))
            prefix = "" if len(self.phases) == 1 else f"{phase.name}."
            for name, value in {"loss": terms.loss, **terms.reports}.items():
                own = value.detach().to(terms.loss.device, torch.float32)
                share = own if len(pieces) == 1 else own / len(pieces)
                reports[prefix + name] = reports[prefix + name] + share if prefix + name in reports else share
        gradients = {name: p.grad for name, p in parameters.items() if p.grad is not None}
        self.ranks.average([*gradients.values(), *reports.values()])
        norm = get_total_norm(list(gradients.values()), foreach=True)
        if not bool(torch.isfinite(norm + reports[prefix + "loss"].to(norm))):
            raise BadStep(_first_bad(reports, prefix + "loss", gradients))
        clip = self.recipe.optimizer.clip
        if 0 < clip < float(norm):  # a gradient below the limit needs no pass over memory
            clip_grads_with_norm_([parameters[name] for name in gradients], clip, norm, foreach=True)
        rate = learning_rate(step, self.total, self.recipe.optimizer)
        for optimizer in self.optimizers[phase.name]:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        return reports

    def state(self) -> dict[str, Any]:
        """Returns the state of the optimizers for a checkpoint."""
        return {name: [optimizer.state_dict() for optimizer in kinds] for name, kinds in self.optimizers.items()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Continues from ``state``."""
        for name, kinds in self.optimizers.items():
            for optimizer, its in zip(kinds, state[name], strict=True):
                optimizer.load_state_dict(its)


def _parameters(objective: nn.Module, phase: Phase, only: Sequence[str]) -> dict[str, nn.Parameter]:
    prefixes = tuple(f"{prefix}." for prefix in phase.trains)
    named = objective.named_parameters()
    parameters = {name: p for name, p in named if p.requires_grad and name.startswith(prefixes)}
    if only:
        chosen = tuple(only)
        parameters = {name: p for name, p in parameters.items() if name.removeprefix("model.").startswith(chosen)}
        if not parameters:
            names = sorted({name.removeprefix("model.").split(".")[0] for name, _ in objective.named_parameters()})
            raise TrainingError(
                f"Phase {phase.name!r} has no parameter whose name begins with any of {list(only)}.",
                hint=f"Names begin with one of {names}; all are in vaezoo.create(NAME).state_dict().",
                value=list(only),
            )
    if not parameters:
        raise TrainingError(
            f"Phase {phase.name!r} trains {phase.trains}, and no parameter has such a name.", value=phase
        )
    return parameters


def _first_bad(reports: Mapping[str, Tensor], loss: str, gradients: Mapping[str, Tensor]) -> str:
    if bool(torch.isfinite(reports[loss])):
        bad = [name for name, value in gradients.items() if not bool(torch.isfinite(value).all())]
        return f"the gradient of {bad[0] if bad else 'all parameters together'} is not finite"
    terms = [name for name, value in reports.items() if name != loss and not bool(torch.isfinite(value))]
    name = terms[0] if terms else loss
    return f"term {name} is {reports[name].item()}"


__getattr__ = partial(former, __name__)
