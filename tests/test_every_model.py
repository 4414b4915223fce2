"""Every named model that ships learns, at both sizes of the field's small pictures, and keeps the contract."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from vaezoo import create_objective
from vaezoo.core import Batch, Objective, Phase
from vaezoo.core.noise import Noise
from vaezoo.host.manager import current_zoo
from vaezoo.registry.entries import HOUSE
from vaezoo.registry.target import load_object
from vaezoo.testing import ModelContract
from vaezoo.train.ranks import Ranks
from vaezoo.train.recipe import OptimizerRecipe, Recipe
from vaezoo.train.update import Updater

NAMES = sorted(n for n, owner, _ in current_zoo().registry.models.all() if owner.partition(":")[0] == HOUSE)
SIZES = {"28x28": (1, 28), "32x32x3": (3, 32)}
CONDITIONS = {case.model: case.cond for cases in current_zoo().cases.values() for case in cases if case.cond}
SMALL: dict[str, dict[str, Any]] = {
    "denoise": {"widths": [16, 24, 32], "blocks": 1},
    "denoise-detail": {"widths": [16, 24, 32], "blocks": 1},
    "vdvae-small": {"depths": [2, 2, 2]},
}
"""Those that would take a minute each."""
STEPS, IMAGES = 50, 8
pytestmark = pytest.mark.long


def conditions(name: str, takes: tuple[str, ...], images: int) -> dict[str, Tensor]:
    """Returns what a model asks to be told: its plugin's own conditions, or labels."""
    if name in CONDITIONS:
        return dict(load_object(CONDITIONS[name], "The conformance case")(images))
    return {"label": torch.arange(images) % 10} if "label" in takes else {}


def batch_of(name: str, objective: Objective, size: int, seed: int) -> Batch:
    """Returns soft discs of one colour each on a dark ground, and noisy ones as input where the model restores."""
    generator = torch.Generator().manual_seed(seed)
    model, steps = objective.model, torch.arange(size)
    place = size * (0.3 + 0.4 * torch.rand(2, IMAGES, 1, 1, generator=generator))
    radius = size * (0.1 + 0.15 * torch.rand(IMAGES, 1, 1, generator=generator))
    apart = ((steps[:, None] - place[0]) ** 2 + (steps - place[1]) ** 2).sqrt()
    colour = 0.4 + 0.6 * torch.rand(IMAGES, model.channels, 1, 1, generator=generator)
    x = colour * torch.sigmoid(2 * (radius - apart))[:, None]
    takes = () if model.conditioner is None else model.conditioner.takes
    if factors := tuple(model.enlarges):  # the first most of the time, also where it is looked at; each now and then
        factor = factors[0] if seed % 5 else factors[seed // 5 % len(factors)]
        large = torch.nn.functional.interpolate(x, scale_factor=factor, mode="bilinear")
        y = x + 0.1 * torch.randn(x.shape, generator=generator)
        return Batch(y, large, {"factor": torch.full((IMAGES,), factor)})
    noisy = current_zoo().registry.models.get(name).task != "generate"
    y = x + 0.1 * torch.randn(x.shape, generator=generator) if noisy else x
    cond = {  # a reference image comes in the model's own channels, which may have been overridden here
        key: value.mean(1, keepdim=True).expand(-1, model.channels, -1, -1) if value.dim() == 4 else value
        for key, value in conditions(name, tuple(takes), IMAGES).items()
    }
    return Batch(y, x, cond)


def main_phase(objective: Objective) -> Phase:
    """Returns the phase that trains the decoder: what it lowers is the model's loss, not a critic's."""
    return next(p for p in objective.loss.phases if any("model.decoder".startswith(t) for t in p.trains))


def loss_of(objective: Objective, batch: Batch) -> float:
    """Returns the loss of one batch as the last step sees it, under the same noise every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return float(objective(batch, STEPS, main_phase(objective)).loss.detach())


def error_of(objective: Objective, batch: Batch) -> float:
    """Returns the mean squared error of the restored pictures, by the mean path."""
    restored = objective.model.eval().restore(batch.y, batch.cond, noise=Noise(temperature=0))
    objective.train()
    return float((restored.image - batch.target).square().mean())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_fifty_steps_lower_the_loss_and_move_every_phase(name: str, size: str) -> None:
    channels, pixels = SIZES[size]
    shared: dict[str, Any] = {"image_channels": channels, **SMALL.get(name, {})}
    if "image_size" in current_zoo().registry.models.get(name).body.get("shared", {}):
        shared["image_size"] = [pixels, pixels]
    objective = create_objective(name, seed=0, **shared).train()
    recipe = Recipe(model=name, steps=STEPS, batch=IMAGES, optimizer=OptimizerRecipe(lr=1e-3, warmup=0))
    updater = Updater(objective, recipe, STEPS, Ranks(0, 1, torch.device("cpu")))
    held = batch_of(name, objective, pixels, -1)
    start = {n: p.detach().clone() for n, p in objective.named_parameters()}
    before, error = loss_of(objective, held), error_of(objective, held)
    for step in range(STEPS):
        updater.update(step, [batch_of(name, objective, pixels, step)])
    after = loss_of(objective, held)
    learnt = after < before - 0.02 * abs(before)
    if current_zoo().registry.models.get(name).task != "generate":  # a loss may weigh by the error, which falls with it
        learnt = learnt or error_of(objective, held) < error
    assert learnt, f"the loss went from {before} to {after}"
    for phase, parameters in updater.parameters.items():
        moved = [n for n, p in parameters.items() if not torch.equal(p, start[n])]
        assert len(moved) > 0.9 * len(parameters), (
            f"phase {phase} left {parameters.keys() - set(moved)} where they were"
        )
    restored = objective.model.eval().restore(held.y, held.cond, noise=Noise(temperature=0))
    assert restored.image.shape == held.target.shape and restored.image.isfinite().all()


def contract(name: str) -> type:
    """Returns the contract's tests of one model."""
    body: dict[str, Any] = {"model": name, "params": SMALL.get(name, {})}
    if name in CONDITIONS:
        body["cond"] = lambda self, images: conditions(name, (), images)
    return type(f"Test{name.title().replace('-', '')}", (ModelContract,), body)


globals().update({kind.__name__: kind for kind in map(contract, NAMES)})
