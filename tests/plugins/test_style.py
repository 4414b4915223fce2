"""Conditioners of style, and the losses that keep it out of the latents."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from vaezoo_style.conditioners import StyleClassConditioner, StyleCodeConditioner, StyleReferenceConditioner
from vaezoo_style.losses import StyleCycleLoss, StyleReversalLoss, reverse_gradient, style_discrepancy

from tests.core.toy import SIZE, linear_vae
from tests.plugins.pictures import bars, descends
from vaezoo import create, create_objective
from vaezoo.core import VAE, Batch, Dirac, Encoder, NormalPrior
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError
from vaezoo.testing import ModelContract, PluginContract

MODELS = ("mlp-style", "conv-style", "resnet-style")


class TestPlugin(PluginContract):
    package = "vaezoo_style"


class TestClass(ModelContract):
    model = "mlp-style"

    def cond(self, images: int) -> dict[str, Tensor]:
        return {"style_class": torch.arange(images) % 8}


class TestCode(ModelContract):
    model = "conv-style"

    def cond(self, images: int) -> dict[str, Tensor]:
        return {"style_code": torch.linspace(-1, 1, 5 * images).view(images, 5)}


class TestReference(ModelContract):
    model = "resnet-style"

    def cond(self, images: int) -> dict[str, Tensor]:
        return {"style_reference": torch.rand(images, 3, 28, 28, generator=torch.Generator().manual_seed(3))}


def normal(rows: int, width: int, seed: int) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


# MMD


def direct(z: Tensor, style: Tensor) -> float:
    """Gretton's sums, written out."""

    def k(a: Tensor, b: Tensor) -> float:
        return float(torch.exp(-((a - b) ** 2).sum() / z.shape[1]))

    found = []
    for one in style.unique():
        a, b = z[style == one], z[style != one]
        within = [sum(k(r[i], r[j]) for i in range(len(r)) for j in range(len(r)) if i != j) / (len(r) * (len(r) - 1))
                  for r in (a, b)]  # fmt: skip
        found.append(sum(within) - 2 * sum(k(p, q) for p in a for q in b) / (len(a) * len(b)))
    return sum(found) / len(found)


def test_the_discrepancy_is_the_direct_formula() -> None:
    z, style = normal(12, 3, 0), torch.tensor([0, 1, 2] * 4)
    assert float(style_discrepancy(z, style)) == pytest.approx(direct(z, style), abs=1e-6)
    moved = z + style[:, None]
    assert float(style_discrepancy(moved, style)) == pytest.approx(direct(moved, style), abs=1e-6)
    assert float(style_discrepancy(moved, style)) > float(style_discrepancy(z, style)) + 0.05


def test_a_style_of_one_row_is_left_out() -> None:
    z = normal(5, 3, 0)
    assert float(style_discrepancy(z, torch.arange(5))) == 0
    assert float(style_discrepancy(z, torch.zeros(5, dtype=torch.int64))) == 0
    assert float(style_discrepancy(z, torch.tensor([0, 0, 0, 0, 1]))) == 0


def test_the_mmd_is_weighed_and_its_absence_leaves_the_bound() -> None:
    objective = create_objective("mlp-style", seed=0, loss={"weight": 50.0, "beta": 2.0})
    style = torch.arange(16) % 4
    terms = objective(Batch(bars(16, 0), cond={"style_class": style}), 0)
    r = terms.reports
    torch.testing.assert_close(terms.loss.detach(), r["distortion"] + 2 * r["rate"] + 50 * r["style_mmd"])
    bare = objective(Batch(bars(16, 0)), 0)
    torch.testing.assert_close(bare.loss.detach(), bare.reports["distortion"] + 2 * bare.reports["rate"])
    assert "style_mmd" not in bare.reports
    assert "style_mmd" in objective(Batch(bars(16, 0), info={"style_class": style}), 0).reports


# Gradient reversal


def test_a_reversed_gradient() -> None:
    z = torch.tensor([1.0, -2.0], requires_grad=True)
    out = reverse_gradient(z, 3.0)
    assert torch.equal(out, z)
    (out**2).sum().backward()
    torch.testing.assert_close(z.grad, -3 * 2 * z.detach())


def test_the_critic_learns_and_the_encoder_unlearns() -> None:
    """The critic's gradient lowers its error, the encoder's raises it."""
    objective = create_objective("conv-style", seed=0, loss={"weight": 1000.0, "warmup": 0, "beta": 0.0})
    x, code = torch.rand(32, 3, 28, 28), torch.rand(32, 5) * 2 - 1
    x[:, 0] = (code[:, 0, None, None] + 1) / 2
    batch = Batch(x, cond={"style_code": code})

    def error() -> Tensor:
        torch.manual_seed(0)
        return objective(batch, 5).reports["critic_error"]

    torch.manual_seed(0)
    objective(batch, 5).loss.backward()
    for prefix, sign in (("loss.critic", -1), ("model.encoder", 1)):
        before = error()
        moved = [p for n, p in objective.named_parameters() if n.startswith(prefix)]
        size = torch.sqrt(sum((p.grad**2).sum() for p in moved))
        with torch.no_grad():
            for p in moved:
                p -= 1e-2 * p.grad / size
        assert sign * float(error() - before) > 0, prefix
        with torch.no_grad():
            for p in moved:
                p += 1e-2 * p.grad / size


def test_classes_are_told_by_cross_entropy_and_a_wrong_code_is_refused() -> None:
    loss = StyleReversalLoss(16, "class", 8)
    model = create("mlp-style", seed=0)
    terms = loss(model, Batch(bars(8, 0), cond={"style_class": torch.arange(8)}), 0)
    assert float(terms.reports["critic_error"]) == pytest.approx(2.08, abs=0.2)  # log 8
    with pytest.raises(ShapeError, match=r"Expected style_code of shape \(8, 4\), got \(8, 5\)\. Set loss\.outputs"):
        StyleReversalLoss(16, "code", 4)(model, Batch(bars(8, 0), info={"style_code": torch.zeros(8, 5)}), 0)
    with pytest.raises(ConfigError, match=r"code or class, got 'codes'. Did you mean 'code'"):
        StyleReversalLoss(16, "codes")


# Cycle


def test_the_cycle_is_what_the_other_style_moves() -> None:
    objective = create_objective("resnet-style", seed=0, loss={"weight": 7.0}).eval()
    x, reference = torch.rand(4, 3, 28, 28), torch.rand(4, 3, 28, 28)
    terms = objective(Batch(x, cond={"style_reference": reference}), 0)
    model = objective.model
    other = {"style_reference": reference[[3, 0, 1, 2]]}
    mean = model.encode(x).mean
    swapped = model.decode(mean, cond=other, size=(28, 28)).image
    drift = 0.5 * ((model.encode(swapped).mean - mean) ** 2).flatten(1).sum(1).mean()
    vectors = [model.context(x, {"style_reference": r}).vector for r in (swapped, other["style_reference"])]
    style = ((vectors[0] - vectors[1]) ** 2).mean()
    torch.testing.assert_close(terms.reports["content_drift"], drift.detach(), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(terms.reports["style_drift"], style.detach(), rtol=1e-3, atol=1e-6)
    r = terms.reports
    expected = r["distortion"] + r["rate"] + 7 * (r["content_drift"] + r["style_drift"])
    torch.testing.assert_close(terms.loss.detach(), expected)
    assert "content_drift" not in objective(Batch(x), 0).reports


class PointEncoder(Encoder):
    channels, size = 1, SIZE

    def forward(self, image: Tensor, context: Any) -> Dirac:
        return Dirac(image.flatten(1)[:, :2])


def test_the_cycle_refuses_points() -> None:
    points = VAE(encoder=PointEncoder(), prior=NormalPrior(2), decoder=linear_vae().decoder)
    with pytest.raises(IncompatibleParts, match="Expected a DiagonalGaussian, got Dirac"):
        StyleCycleLoss()(points, Batch(torch.rand(4, 1, *SIZE)), 0)


# Conditioners


@pytest.mark.parametrize(
    ("conditioner", "name", "wrong", "message"),
    [
        (StyleClassConditioner(4), "style_class", torch.zeros(2), r"Expected style_class of shape \(2,\) and whole"),
        (StyleClassConditioner(4), "style_class", torch.tensor([0, 4]), "from 0 to 3, got 0 to 4"),
        (StyleCodeConditioner(5), "style_code", torch.zeros(2, 4), r"shape \(2, 5\) and floating point, got \(2, 4\)"),
        (StyleReferenceConditioner(1), "style_reference", torch.zeros(2, 3, 9, 9), r"style_reference of shape \(B, 1"),
        (StyleReferenceConditioner(1), "style_reference", torch.zeros(1, 1, 9, 9), "each of 2 images, got 1"),
    ],
)
def test_a_wrong_style_is_refused(conditioner: Any, name: str, wrong: Tensor, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        conditioner(torch.zeros(2, 1, 8, 8), {name: wrong})


def test_the_style_where_none_is_said() -> None:
    y = torch.rand(2, 1, 8, 8)
    for conditioner, name, plain in (
        (StyleClassConditioner(4), "style_class", torch.zeros(2, dtype=torch.int64)),
        (StyleCodeConditioner(5), "style_code", torch.zeros(2, 5)),
        (StyleReferenceConditioner(1), "style_reference", y),
    ):
        assert torch.equal(conditioner(y, {}).vector, conditioner(y, {name: plain}).vector)


@pytest.mark.parametrize("name", MODELS)
def test_fifty_steps_lower_the_loss(name: str) -> None:
    descends(name)


def test_the_shipped_weights_keep_the_content_and_show_the_style() -> None:
    """A bar leans by the style that is asked for, and both ways give the bar back: no data set is needed here."""
    model = create("mlp-style", pretrained=True)
    x = torch.zeros(1, 1, 28, 28)
    x[..., 3:26, 9:12] = x[..., 3:26, 16:19] = x[..., 3:6, 9:19] = 0.7  # as trousers are
    z = model.encode(x).mean.expand(8, -1)
    swapped = model.decode(z, cond={"style_class": torch.arange(8)}).image
    rows = torch.arange(28.0)
    place = (swapped[:, 0] * rows).sum(2) / swapped[:, 0].sum(2)
    lean = place[:, 22] - place[:, 6]
    assert lean[1] > 3 and lean[2] < -3 and lean[[0, 3, 4, 5]].abs().max() < 1.5
    again = model.encode(swapped).mean
    apart = (again[:, None] - model.encode(torch.rand(1, 1, 28, 28)).mean).norm(dim=2).mean()
    assert (again - z).norm(dim=1).max() < apart
