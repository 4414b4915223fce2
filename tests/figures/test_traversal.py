"""Traversals: on a linear model, whose images are known exactly, and on every kind of latent."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import vaezoo
from tests.core.toy import SIZE, linear_vae, loading
from vaezoo.core import VAE, Noise
from vaezoo.errors import ConfigError, IncompatibleParts, UnknownName
from vaezoo.figures import traverse


def pictures(n: int, shape: tuple[int, ...] = (1, 28, 28), seed: int = 0) -> Tensor:
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


def image_of(z: Tensor) -> Tensor:
    return (loading() @ z).view(1, *SIZE).clamp(0, 1)


def test_a_row_is_one_coordinate_from_minus_to_plus_reach() -> None:
    model = linear_vae()
    sheet = traverse(model, images=pictures(20, (1, *SIZE)), rows=2, columns=5, reach=2)
    assert sheet.column_labels == ("−2", "−1", "0", "+1", "+2") and sheet.facts["positions"] == [-2, -1, 0, 1, 2]
    for row, axis in zip(sheet.rows, sheet.facts["axes"], strict=True):
        for image, u in zip(row, sheet.facts["positions"], strict=True):
            z = torch.zeros(2)
            z[int(axis["name"][1:])] = u
            assert image.allclose(image_of(z), atol=1e-6)
    assert not sheet.rows[0][0].allclose(sheet.rows[0][-1])


def test_it_starts_at_the_centre_of_a_pictures_posterior() -> None:
    model, x = linear_vae(), pictures(1, (1, *SIZE), 3)
    sheet = traverse(model, x, images=pictures(20, (1, *SIZE)), columns=3, axes=("z1", "z0"))
    mean = model.encode(x).mean[0]
    for row, moved in zip(sheet.rows, (1, 0), strict=True):
        z = mean.clone()
        for image, u in zip(row, (-3, 0, 3), strict=True):
            z[moved] = u
            assert image.allclose(image_of(z), atol=1e-6)


def test_the_most_active_come_first_and_the_rate_is_the_mean_kl() -> None:
    model = linear_vae()
    images = torch.cat([5 * (loading() @ torch.tensor([0.1 * i, 0.01 * i])).view(1, 1, *SIZE) for i in range(-9, 10)])
    for gain in (1.0, -1.0):
        model.encoder.gain.data.fill_(gain)
        q = model.encode(images)
        normal = torch.distributions.Normal(q.mean.double(), torch.exp(0.5 * q.logvar.double()))
        kl = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).mean(0)
        sheet = traverse(model, images=images)
        found = {axis["name"]: axis for axis in sheet.facts["axes"]}
        assert [found[f"z{i}"]["rate_nats"] for i in (0, 1)] == pytest.approx(kl.tolist())
        assert [found[f"z{i}"]["variance"] for i in (0, 1)] == pytest.approx(q.mean.double().var(0).tolist(), rel=1e-5)
        rates = [axis["rate_nats"] for axis in sheet.facts["axes"]]
        assert rates == sorted(rates, reverse=True) and sheet.row_labels[0] == f"z0\n{rates[0]:.2f} nats"
    assert len(traverse(model, images=images, rows=1).rows) == 1


def test_units_that_do_not_vary_are_called_inactive_as_elsewhere() -> None:
    model = linear_vae()
    images = pictures(50, (1, *SIZE)) * 0.02
    sheet = traverse(model, images=images)
    assert sheet.facts["active_units"] == 0 and all(label.endswith("inactive") for label in sheet.row_labels)
    images = pictures(50, (1, *SIZE))
    counted = vaezoo.evaluate(model, images, metrics=["active-units"])
    assert traverse(model, images=images).facts["active_units"] == counted["active-units@1"] > 0


def test_at_zero_it_is_the_decoded_mean_of_the_prior() -> None:
    for name in ("vae", "conv-beta", "ladder-vae", "conditional-prior-vae"):
        model = vaezoo.create(name, seed=0).eval()
        centre = model.sample(1, noise=Noise(temperature=0))[0]
        sheet = traverse(model, rows=2, columns=3)
        # the quantiles of a prior that is no N(0, I) are estimated, so its middle is near the mean
        atol = 1e-6 if name != "conditional-prior-vae" else 0.02
        assert all(row[1].allclose(centre, atol=atol) for row in sheet.rows), name
        assert not sheet.rows[0][0].allclose(sheet.rows[0][2]), name


def test_a_ladder_moves_a_level_by_standard_deviations_and_the_finer_ones_follow() -> None:
    model, x = vaezoo.create("ladder-vae", seed=0).eval(), pictures(1)
    context, belief = model.context(x), model.encode(x)
    z = model.prior.infer(belief, context, 1, Noise(temperature=0)).z
    units = model.prior.units(z, context)
    for level in (0, 1):
        axis = model.prior.axes(z, level)[0]
        assert axis.level == level and len(model.prior.axes(z, level)) == z[level].shape[2]
        back = model.prior.move(z, axis, torch.full((1, 1), units[level][0, 0, 0].mean().item()), context)
        moved = model.prior.move(z, axis, torch.tensor([[2.0]]), context)
        again = model.prior.units(moved.z, context)
        assert again[level][:, :, 0].allclose(torch.tensor(2.0), atol=1e-4)
        assert all(a.allclose(b, atol=1e-3) for i, (a, b) in enumerate(zip(again, units, strict=True)) if i != level)
        assert all(a.allclose(b, atol=1e-5) for a, b in zip(back.z[:level], z[:level], strict=True))
    assert traverse(model, x, images=pictures(8), level=1, columns=3).facts["level"] == 1
    with pytest.raises(IncompatibleParts, match="levels 0 to 3, coarse to fine, got level 4"):
        traverse(model, level=4)


def test_classes_are_taken_one_by_one() -> None:
    model = vaezoo.create("gumbel-vae", seed=0).eval()
    sheet = traverse(model, images=pictures(8), rows=3)
    assert sheet.column_labels == tuple("0123456789") and len(sheet.rows) == 3 and len(sheet.rows[0]) == 10
    z = model.prior.sample(model.context(torch.zeros(1, 1, 28, 28)), 1, Noise(temperature=0)).z[0][0]
    z[0, 30:40] = 0
    z[0, 34] = 1
    row = traverse(model, images=pictures(8), axes=("class 3",)).rows[0]
    assert row[4].allclose(model.decode(z).image[0], atol=1e-6)
    joint = traverse(vaezoo.create("joint-vae", seed=0), images=pictures(8), axes=("z0", "class 0"), columns=5)
    assert [len(row) for row in joint.rows] == [5, 10] and joint.facts["axes"][1]["classes"] == 10


def test_quantiles_stand_for_deviations_where_the_prior_is_no_gaussian() -> None:
    model = vaezoo.create("gamma-vae", seed=0).eval()
    context = model.context(torch.zeros(1, 1, 28, 28))
    found = model.prior.values_at(torch.tensor([-1.0, 0.0, 1.0]), 16, context)
    exact = [0.354, 0.839, 1.648]  # of Gamma(2, rate 2) at Φ(−1), Φ(0), Φ(1)
    assert found.shape == (3, 16) and found.mean(1).tolist() == pytest.approx(exact, rel=0.03)
    assert "normal quantiles" in traverse(model, images=pictures(8), rows=1).note


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("svae", "UniformSpherePrior lie on a sphere, where no coordinate can move alone"),
        ("poincare-vae", "WrappedNormalPrior lie in a Poincaré ball, where no"),
        ("vq-vae", "VQPrior lie on the codes of a codebook, where no"),
        ("top-k-ae", "TopKPrior lie on planes of few coordinates"),
    ],
)
def test_latents_without_axes_say_why(name: str, why: str) -> None:
    with pytest.raises(IncompatibleParts, match=why):
        traverse(vaezoo.create(name, seed=0))


def test_mistakes_are_named() -> None:
    model: VAE = linear_vae()
    with pytest.raises(UnknownName, match=r"name of a latent, got 'z2'\. There are z0 to z1"):
        traverse(model, axes=("z2",))
    with pytest.raises(ConfigError, match="columns of at least 2, got 1"):
        traverse(model, columns=1)
    with pytest.raises(ConfigError, match="rows of at least 1, got 0"):
        traverse(model, rows=0)
    with pytest.raises(ConfigError, match="reach above 0, got nan"):
        traverse(model, reach=float("nan"))
    with pytest.raises(ConfigError, match="images of at least 2, got 1"):
        traverse(model, images=pictures(1, (1, *SIZE)))
    with pytest.raises(IncompatibleParts, match="one level, 0, got level 1"):
        traverse(model, level=1)
    for name in ("gumbel-vae", "joint-vae"):
        with pytest.raises(IncompatibleParts, match="one level, 0, got level 1"):
            traverse(vaezoo.create(name, seed=0), level=1)
    with pytest.raises(IncompatibleParts, match="restores images and cannot generate any"):
        traverse(vaezoo.create("denoise", seed=0))


def test_the_mode_of_the_model_is_left_as_it_was() -> None:
    model = linear_vae().train()
    traverse(model)
    assert model.training
