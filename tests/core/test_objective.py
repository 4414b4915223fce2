"""An objective adds the penalties of latents to any loss, once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, final

import pytest
import torch
from torch import Tensor

from vaezoo import create, create_objective
from vaezoo.core import VAE, Batch, Latents, Loss, NormalPrior, Objective, Phase, Terms
from vaezoo.errors import IncompatibleParts
from vaezoo.host.manager import current_zoo

IMAGES = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
SMALL = {"latent_channels": 4, "image_channels": 1}
ELSEWHERE = {"joint-capacity", "detail", "restoration", "style-mmd", "style-reversal", "style-cycle", "exposure"}
"""Losses of models with a condition, with a prior of their own kind, or of a prior's branch."""


@final
class Distortion(Loss):
    """What a stranger writes, who has not heard of penalties."""

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """The mean distortion."""
        return Terms(model(batch).distortion.mean())


@final
class Twice(Loss):
    """Two passes with a gradient and one without."""

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """The mean of two."""
        with torch.no_grad():
            model(batch)
        return Terms(0.5 * (model(batch).distortion + model(batch).distortion).mean())


@final
class Apart(Loss):
    """A phase for each part, the decoder's first."""

    phases = (Phase("decoder", ("model.decoder",)), Phase("rest", ("model.encoder", "model.prior")))

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """The mean distortion."""
        return Terms(model(batch).distortion.mean())


@pytest.fixture
def penalised(monkeypatch: pytest.MonkeyPatch) -> None:
    infer = NormalPrior.infer

    def more(self: NormalPrior, *arguments: Any) -> Latents:
        found = infer(self, *arguments)
        rows = found.z[0].shape[1]
        learned = 0 * found.z[0].flatten(2).sum((0, 2))
        return replace(found, penalties={"a": learned + 2.0, "b": torch.full((rows,), 0.5)})

    monkeypatch.setattr(NormalPrior, "infer", more)


def value(objective: Objective, phase: Phase | None = None) -> Tensor:
    torch.manual_seed(1)
    terms: Terms = objective(Batch(IMAGES), 10_000, phase=phase)
    return terms.loss


def test_a_strangers_loss_trains_a_codebooks_commitment() -> None:
    model = create("vq-vae", seed=0, commitment=1e5).eval()
    plain = Distortion()(model, Batch(IMAGES), 0).loss
    found = Objective(model, Distortion())(Batch(IMAGES), 0).loss
    penalties = model(Batch(IMAGES)).latents.penalties
    assert set(penalties) == {"commitment"}
    torch.testing.assert_close(found, plain + penalties["commitment"].mean(), rtol=1e-4, atol=0)
    assert float(penalties["commitment"].mean().detach()) > 100
    encoder = [p for p in model.encoder.parameters() if p.requires_grad]
    with_it, without = (torch.autograd.grad(loss, encoder) for loss in (found, plain))
    assert any(not torch.allclose(a, b) for a, b in zip(with_it, without, strict=True))


@pytest.mark.parametrize("loss", [Distortion(), Twice(), Apart()], ids=lambda loss: type(loss).__name__)
@pytest.mark.usefixtures("penalised")
def test_penalties_count_once(loss: Loss) -> None:
    objective = Objective(create("mlp-vae", seed=0, **SMALL), loss)
    torch.manual_seed(1)
    plain = loss(objective.model, Batch(IMAGES), 10_000).loss
    torch.testing.assert_close(value(objective), plain + 2.5)
    gains = [float((value(objective, phase) - plain).detach()) for phase in loss.phases]
    assert gains == pytest.approx([0.0] * (len(gains) - 1) + [2.5], abs=1e-3)
    with torch.no_grad():  # as in validation
        torch.testing.assert_close(value(objective), plain.detach() + 2.5)


def made(name: str) -> Objective:
    """A small model under a loss, of the belief that it takes."""
    for belief in ("gaussian", "dirac"):
        with suppress(IncompatibleParts):
            return create_objective("mlp-vae", seed=0, loss=name, encoder={"belief": belief}, **SMALL)
    raise AssertionError(name)


@pytest.mark.parametrize("name", sorted(set(current_zoo().registry.parts["loss"].entries) - ELSEWHERE))
def test_every_loss_has_the_penalties_once(name: str, request: pytest.FixtureRequest) -> None:
    objective = made(name)
    phases = (None, *objective.loss.phases)
    plain = [float(value(objective, phase).detach()) for phase in phases]
    request.getfixturevalue("penalised")
    gains = [float(value(objective, phase).detach()) - before for phase, before in zip(phases, plain, strict=True)]
    assert gains[0] == pytest.approx(2.5, abs=1e-2)
    assert sorted(gains[1:]) == pytest.approx([0.0] * (len(gains) - 2) + [2.5], abs=1e-2)


@pytest.mark.usefixtures("penalised")
@pytest.mark.parametrize("name", ["style-mmd", "style-reversal", "style-cycle"])
def test_losses_of_styles_have_them_too(name: str) -> None:
    objective = create_objective("mlp-style", seed=0, loss=name)
    cond = {"style_class": torch.arange(4), "style_code": torch.rand(4, 5)}
    batch = Batch(IMAGES, cond={key: cond[key] for key in objective.model.conditioner.takes if key in cond})
    torch.manual_seed(1)
    plain = objective.loss(objective.model, batch, 0).loss
    torch.manual_seed(1)
    torch.testing.assert_close(objective(batch, 0).loss, plain + 2.5)


@pytest.mark.usefixtures("penalised")
def test_a_loss_of_before_that_adds_them_is_told_and_counts_them_once() -> None:
    bound = create("mlp-vae", seed=0, **SMALL)(Batch(IMAGES))
    with pytest.warns(DeprecationWarning, match=r"Objective adds the penalties of latents: leave bound\.penalty out"):
        assert not bound.penalty.any()


def test_a_loss_that_fails_leaves_nothing_behind() -> None:
    model = create("mlp-vae", seed=0, **SMALL)
    objective = Objective(model, Distortion())
    with pytest.raises(Exception, match="shape"):
        objective(Batch(torch.rand(2, 3, 5, 5)), 0)
    assert model.watch is None
