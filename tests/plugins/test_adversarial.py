"""The losses that own a critic: whom each phase moves and which way, what the critics tell, and what a file keeps."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from vaezoo_adversarial.critics import LatentCritic, as_judged, cell_rows, hinge, permuted, telling_apart
from vaezoo_adversarial.factor import FactorLoss, halves
from vaezoo_adversarial.latents import AAELoss, WAEGANLoss, standard_log_prob
from vaezoo_adversarial.pictures import PatchGANLoss, VAEGANLoss, adaptive_weight

from tests.core.toy import SIZE, linear_vae
from tests.plugins.pictures import bars
from vaezoo import create, create_objective
from vaezoo.core import Batch, Loss, Objective, Phase, Terms
from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError, IncompatibleParts, TrainingError
from vaezoo.testing import ModelContract, PluginContract
from vaezoo.train.data import WholeImages
from vaezoo.train.loop import train
from vaezoo.train.packed import unpack
from vaezoo.train.ranks import join_ranks
from vaezoo.train.recipe import DataRecipe, MachineRecipe, OptimizerRecipe, Recipe
from vaezoo.train.update import Updater

SMALL_CONV = {
    "encoder": {"name": "conv", "widths": [4, 4, 4], "gather": 4},
    "decoder": {"name": "conv", "widths": [4, 4, 4], "gather": 4, "likelihood": "bernoulli"},
}
SMALL_DENSE = {"encoder": {"hidden": [64]}, "decoder": {"hidden": [64]}, "loss": {"hidden": [16]}}
SMALL = {
    "factor-vae": SMALL_DENSE,
    "aae": SMALL_DENSE,
    "wae-gan": SMALL_DENSE,
    "vae-gan": {**SMALL_CONV, "loss": {"widths": [4, 8]}},
    "vq-gan": {"loss": {"widths": [4, 8]}},
}
COLOUR = {"image_channels": 3, "image_size": [32, 32]}


class TestPlugin(PluginContract):
    package = "vaezoo_adversarial"


class TestFactor(ModelContract):
    model = "factor-vae"


class TestAAE(ModelContract):
    model = "aae"


class TestWAEGAN(ModelContract):
    model = "wae-gan"


class TestVAEGAN(ModelContract):
    model = "vae-gan"


class TestVQGAN(ModelContract):
    model = "vq-gan"


def small(name: str) -> Objective:
    return create_objective(name, seed=0, **SMALL[name])


def recipe(**values: object) -> Recipe:
    values = {"steps": 6, "batch": 4, "machine": MachineRecipe(log_every=2), **values}
    return Recipe(model="toy", optimizer=OptimizerRecipe(warmup=0, lr=1e-3), **values)  # type: ignore[arg-type]


def source() -> WholeImages:
    pixels = (255 * bars(16, 0)).byte().permute(0, 2, 3, 1).numpy()
    return WholeImages((Images("bars", pixels, "0" * 64, "none"),), DataRecipe(), 0)


# Whom a phase moves


@pytest.mark.parametrize("name", SMALL)
def test_a_phase_moves_its_own_parameters_and_no_others(name: str) -> None:
    objective = small(name)
    with join_ranks("cpu") as ranks:
        updater = Updater(objective, recipe(), 10, ranks)
        for index, phase in enumerate(objective.loss.phases):
            before = {n: p.detach().clone() for n, p in objective.named_parameters()}
            updater._run(phase, index, 0, [Batch(bars(8, 0))])
            moved = {n for n, p in objective.named_parameters() if not torch.equal(p, before[n])}
            assert moved and all(n.startswith(tuple(f"{t}." for t in phase.trains)) for n in moved), (phase, moved)
            assert ("critic" in phase.name) == all(n.startswith("loss.critic") for n in moved)


@pytest.mark.parametrize("name", SMALL)
def test_without_a_phase_the_critic_feels_its_own_loss_only(name: str) -> None:
    objective, batch = small(name), Batch(bars(8, 0))
    critic = list(objective.loss.critic.parameters())  # type: ignore[union-attr, operator]
    found = []
    for phase in (None, next(p for p in objective.loss.phases if p.name == "critic")):
        objective.eval()  # a codebook in training moves with each pass
        torch.manual_seed(1)
        loss = objective(batch, 0, phase).loss
        found.append(torch.autograd.grad(loss, critic))
    if name in ("aae", "wae-gan", "vq-gan"):  # the others' phases draw noise in another order
        torch.testing.assert_close(*found, rtol=1e-4, atol=1e-6)
    for phase in objective.loss.phases:
        if phase.name != "critic":
            loss = objective(batch, 0, phase).loss
            assert all(g is None for g in torch.autograd.grad(loss, critic, allow_unused=True)), phase


class Slope(nn.Module):
    """A critic whose logit is the first latent, or which likes bright pictures."""

    def __init__(self, pictures: bool = False) -> None:
        super().__init__()
        self.gain, self.pictures = nn.Parameter(torch.ones(())), pictures

    def forward(self, seen: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        if self.pictures:
            return self.gain * seen.mean((1, 2, 3))[:, None, None], 0 * seen
        return self.gain * seen[:, 0]


@pytest.mark.parametrize(
    ("loss", "sign"),
    # FactorVAE's critic is above 0 for dependent latents, which are to be avoided; the others' for the prior's.
    [(FactorLoss(2, gamma=1e4), -1), (AAELoss(2), 1), (WAEGANLoss(2, weight=1e4), 1)],
)
def test_the_encoder_goes_where_the_critic_is_fooled(loss: Loss, sign: int) -> None:
    loss.critic = Slope()
    model = linear_vae()
    phase = next(p for p in loss.phases if p.name in ("model", "fooling"))
    torch.manual_seed(0)
    x = torch.randn(512, 1, *SIZE)
    leaf = model.encoder.gain  # type: ignore[union-attr]
    shift = torch.zeros((), requires_grad=True)
    before = type(model.encoder).forward
    try:
        type(model.encoder).forward = lambda self, image, context: _moved(before(self, image, context), shift)  # type: ignore[method-assign]
        grad = torch.autograd.grad(loss(model, Batch(x), 0, phase).loss, shift)[0]
    finally:
        type(model.encoder).forward = before  # type: ignore[method-assign]
    assert leaf.requires_grad and float(-grad) * sign > 0  # a step of descent moves the first latent that way


def _moved(belief: object, shift: Tensor) -> object:
    from dataclasses import replace

    direction = torch.tensor([1.0, 0.0])
    return replace(belief, mean=belief.mean + shift * direction)  # type: ignore[type-var, attr-defined]


@pytest.mark.parametrize("loss", [VAEGANLoss(gamma=0.0, pixels=0.0), PatchGANLoss(weight=100.0)])
def test_the_decoder_goes_where_the_critic_of_pictures_is_fooled(loss: Loss) -> None:
    loss.critic = Slope(pictures=True)
    objective = Objective(small("vae-gan").model, loss)
    phase = next(p for p in loss.phases if p.name in ("model", "decoder"))
    bias = objective.model.decoder.project.bias  # type: ignore[union-attr]
    terms = objective(Batch(torch.full((8, 1, 28, 28), 0.5)), 0, phase)
    assert torch.autograd.grad(terms.loss, bias)[0].item() < 0, "a brighter picture should lower the loss"  # type: ignore[arg-type]


# What the critics tell


def test_the_density_ratio_is_the_total_correlation() -> None:
    """Of a Gaussian with correlation ρ it is −½ log(1 − ρ²)."""
    rho, generator = 0.8, torch.Generator().manual_seed(0)

    def joint(rows: int) -> Tensor:
        eps = torch.randn(rows, 2, generator=generator)
        return torch.stack([eps[:, 0], rho * eps[:, 0] + math.sqrt(1 - rho**2) * eps[:, 1]], 1)

    torch.manual_seed(0)
    critic = LatentCritic(2, (64, 64))
    optimiser = torch.optim.Adam(critic.parameters(), lr=3e-3)
    for _ in range(400):
        loss = telling_apart(critic(joint(512)), critic(permuted(joint(512))))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        found = float(critic(joint(20_000)).mean())
    assert found == pytest.approx(-0.5 * math.log(1 - rho**2), abs=0.07)


def test_permuted_rows_keep_each_column_and_lose_the_rows() -> None:
    rows = torch.arange(200.0)[:, None].repeat(1, 3)
    torch.manual_seed(0)
    found = permuted(rows)
    assert torch.equal(found.sort(0).values, rows)
    assert abs(torch.corrcoef(found.T)[0, 1]) < 0.3


def test_a_perfect_critic_of_equal_laws_knows_nothing() -> None:
    zero = torch.zeros(5)
    assert float(telling_apart(zero, zero)) == pytest.approx(2 * math.log(2))
    right, wrong = torch.full((5,), 9.0), torch.full((5,), -9.0)
    assert float(telling_apart(right, wrong)) < 0.01 < 10 < float(telling_apart(wrong, right))
    assert float(hinge(zero, zero)) == 1 and float(hinge(right, wrong)) == 0 and float(hinge(wrong, right)) == 10


def test_each_cell_of_a_grid_is_a_row() -> None:
    z = torch.arange(24.0).view(2, 3, 2, 2)
    assert torch.equal(cell_rows(z)[1], z[0, :, 0, 1]) and cell_rows(z).shape == (8, 3)
    expected = torch.distributions.Normal(0, 1).log_prob(cell_rows(z)[:2]).sum(1)
    torch.testing.assert_close(standard_log_prob(cell_rows(z)[:2]), expected)


def test_a_critic_under_judgement_has_no_gradient() -> None:
    critic, rows = LatentCritic(2, (4,)), torch.randn(3, 2, requires_grad=True)
    said = torch.as_tensor(as_judged(critic, rows))
    torch.testing.assert_close(said, critic(rows))
    said.sum().backward()
    assert rows.grad is not None and all(p.grad is None for p in critic.parameters())


def test_the_loss_of_factor_vae_is_the_bound_and_gamma_times_the_logit() -> None:
    loss = FactorLoss(2, gamma=3.0)
    loss.critic = Slope()
    x = torch.randn(6, 1, *SIZE)
    torch.manual_seed(0)
    terms = loss(linear_vae(), Batch(x), 0, loss.phases[0])
    torch.manual_seed(0)
    bound = linear_vae()(Batch(x))
    expected = (-bound.elbo).mean() + 3 * bound.latents.z[0][0][:, 0].mean()
    torch.testing.assert_close(terms.loss, expected)


def test_halves_share_all_latents_and_one_image_is_refused() -> None:
    z = torch.rand(5, 3)
    first, second = halves(z)
    assert torch.equal(torch.cat([first, second]), z) and len(first) == 3
    with pytest.raises(TrainingError, match="at least 2 images, for two halves, got 1"):
        FactorLoss(2)(linear_vae(), Batch(torch.rand(1, 1, *SIZE)), 0)


def test_the_adaptive_weight_balances_the_two_gradients() -> None:
    model = small("vae-gan").model
    bound = model(Batch(bars(4, 0)))
    distortion, fooling = bound.distortion.mean(), 0.01 * bound.likelihood.image.mean()
    weight = float(adaptive_weight(distortion, fooling, model))
    last = model.decoder.project.weight  # type: ignore[union-attr]
    norms = [
        torch.autograd.grad(t, last, retain_graph=True)[0].norm()  # type: ignore[arg-type]
        for t in (distortion, fooling)
    ]
    assert weight == pytest.approx(min(float(norms[0] / (norms[1] + 1e-4)), 1e4), rel=1e-4) and weight > 1
    with torch.no_grad():
        assert float(adaptive_weight(distortion.detach(), fooling.detach(), model)) == 0


def test_the_critic_of_patches_counts_from_its_start_on() -> None:
    objective = create_objective("vq-gan", seed=0, loss={"start": 3, "widths": [4, 8]}).eval()
    phase = objective.loss.phases[0]
    before, after = (objective(Batch(bars(4, 0)), step, phase) for step in (2, 3))
    assert "fooling" not in before.reports and "adaptive_weight" in after.reports
    expected = before.loss + 0.8 * after.reports["adaptive_weight"] * after.reports["fooling"]
    torch.testing.assert_close(after.loss, expected)


# Misfits


@pytest.mark.parametrize(
    ("model", "params", "sentence"),
    [
        ("factor-vae", {"encoder": {"belief": "dirac"}}, "The loss 'factor' needs a rate, but the encoder 'mlp' is"),
        ("vae-gan", {"encoder": {"belief": "dirac"}}, "The loss 'vae-gan' needs a rate, but the encoder 'conv' is"),
        (
            "vae-gan",
            {"loss": {"pixels": 0.0}, "decoder": {"likelihood": "gaussian"}},
            "The loss 'vae-gan' takes a bernoulli likelihood, but the decoder 'conv' gives a gaussian one",
        ),
        (
            "denoise",
            {"loss": {"name": "aae", "latent_channels": 4}},
            "The loss 'aae' takes a density or dirac or gaussian",
        ),
        ("aae", {"loss": {"name": "patch-gan"}}, "The loss 'patch-gan' needs a rate, but the encoder 'mlp' is"),
    ],
)
def test_a_refusal_is_a_sentence(model: str, params: dict[str, object], sentence: str) -> None:
    with pytest.raises(IncompatibleParts) as caught:
        create(model, **params)
    assert sentence in str(caught.value)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="gamma of at least 0, got -1"):
        FactorLoss(2, gamma=-1)
    with pytest.raises(ConfigError, match="hidden as numbers of at least 1"):
        create_objective("aae", loss={"hidden": [0]})


def test_the_critic_is_of_the_models_size() -> None:
    objective = create_objective("factor-vae", latent_channels=7)
    assert objective.loss.critic.body[0].in_features == 7  # type: ignore[union-attr, index]
    objective = create_objective("vae-gan", image_channels=3)
    assert objective.loss.critic.layers[0].in_channels == 3  # type: ignore[union-attr, index]


# Training


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("name", ["factor-vae", "aae", "wae-gan", "vq-gan", "vae-gan"])
def test_training_lowers_the_distortion(name: str, colour: bool) -> None:
    """What falls is the report ``distortion``: an adversarial loss itself may rise as its critic learns."""
    convolutional = name in ("vae-gan", "vq-gan")
    params = {**SMALL[name], **(COLOUR if colour else {})}
    objective = create_objective(name, seed=0, **params)
    torch.manual_seed(0)
    optimisers = {
        p.name: torch.optim.AdamW([v for n, v in objective.named_parameters() if n.startswith(p.trains)], lr=1e-3)
        for p in objective.loss.phases
    }
    found = []
    for step in range(50):
        x = bars(8 if convolutional else 16, step)
        x = nn.functional.pad(x, (2, 2, 2, 2)).expand(-1, 3, -1, -1) if colour else x
        for phase in objective.loss.phases:
            objective.zero_grad()
            terms = objective(Batch(x), step, phase)
            terms.loss.backward()
            optimisers[phase.name].step()
            found += [terms.reports["distortion"]] if "distortion" in terms.reports else []
    before, after = torch.stack(found[:5]).mean(), torch.stack(found[-5:]).mean()
    assert torch.isfinite(after) and after < 0.95 * before, f"{before} fell to {after} only"


class Interrupted(Loss):
    """A loss that asks its process to stop at one step; it has the names of the loss it wraps."""

    def __init__(self, inner: Loss, at: int) -> None:
        super().__init__()
        self.critic, self.at = inner.critic, at
        self.phases, self.inner = inner.phases, (inner,)

    def forward(self, model: nn.Module, batch: Batch, step: int, phase: Phase | None = None) -> Terms:  # type: ignore[override]
        if step == self.at:
            self.at = -1
            os.kill(os.getpid(), signal.SIGTERM)
        found: Terms = self.inner[0](model, batch, step, phase)
        return found


@pytest.mark.parametrize("name", ["factor-vae", "aae", "vq-gan"])
def test_a_run_that_stops_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    whole = train(recipe(), tmp_path / "whole", objective=small(name), source=source())
    stopping = small(name)
    stopping.loss = Interrupted(stopping.loss, 2)
    assert train(recipe(), tmp_path / "halves", objective=stopping, source=source()).steps == 3
    halves = train(recipe(), tmp_path / "halves", objective=small(name), source=source())
    assert whole.steps == halves.steps == 6
    one, two = (unpack((run.out / "checkpoint.safetensors").read_bytes()) for run in (whole, halves))
    phases = [phase.name for phase in small(name).loss.phases]
    assert list(one["optimizers"]) == phases and all(one["optimizers"][n] for n in phases)
    assert any(key.startswith("loss.critic") for key in one["objective"])
    for part in ("objective", "average"):
        assert all(torch.equal(one[part][key], two[part][key]) for key in one[part])
    for phase in phases:
        for mine, other in zip(one["optimizers"][phase], two["optimizers"][phase], strict=True):
            for index, state in mine["state"].items():
                assert all(torch.equal(v, other["state"][index][k]) for k, v in state.items())
    assert not any("critic" in key for key in one["average"])
    file = load_file(halves.weights)
    assert file.keys() == small(name).model.state_dict().keys() and not any("critic" in key for key in file)
