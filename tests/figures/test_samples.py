"""Samples and reconstructions: what each row holds."""

from __future__ import annotations

import pytest
import torch

import vaezoo
from vaezoo.core import Noise
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError
from vaezoo.figures import reconstruct, sample
from vaezoo.figures.reconstructions import signed


def pictures(n: int, size: tuple[int, int] = (28, 28)) -> torch.Tensor:
    return torch.rand(n, 1, *size, generator=torch.Generator().manual_seed(0))


def test_samples_are_the_models_in_rows() -> None:
    model = vaezoo.create("mlp-seed", seed=0).eval()
    wanted = model.sample(7, noise=Noise(seed=4))
    sheet = sample(model, 7, seed=4)
    assert [len(row) for row in sheet.rows] == [3, 3, 1] and torch.stack(
        [one for row in sheet.rows for one in row]
    ).equal(wanted)
    assert [len(row) for row in sample(model, 7, rows=2).rows] == [4, 3]
    assert [len(row) for row in sample(model, 7, columns=2).rows] == [2, 2, 2, 1]
    assert [len(row) for row in sample(model, rows=2, columns=5).rows] == [5, 5]
    assert sheet.facts == {"samples": 7, "seed": 4}


def test_many_are_drawn_in_pieces_and_more_than_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = vaezoo.create("mlp-seed", seed=0).eval()
    monkeypatch.setattr("vaezoo.figures.samples.PIECE", 3)
    rows = sample(model, 7, columns=7, seed=4).rows
    assert torch.stack(rows[0][:3]).equal(model.sample(3, noise=Noise(seed=4)))
    assert torch.stack(rows[0][3:6]).equal(model.sample(3, noise=Noise(seed=7)))
    with pytest.raises(ConfigError, match="at most 9510 images of 28x28 on a sheet, got 100000"):
        sample(model, 100000)


def test_a_class_has_a_row_and_all_rows_the_same_noise() -> None:
    model = vaezoo.create("conv-cvae", seed=0).eval()
    sheet = sample(model, columns=4, rows=3, seed=1)
    assert sheet.row_labels == ("label 0", "label 1", "label 2") and [len(row) for row in sheet.rows] == [4, 4, 4]
    for number, row in enumerate(sheet.rows):
        cond = {"label": torch.full((4,), number)}
        assert torch.stack(row).allclose(model.sample(4, cond=cond, noise=Noise(seed=1)), atol=1e-6)
    assert len(sample(model).rows) == 10
    alone = sample(model, 4, cond={"label": torch.tensor([2])}, columns=4, seed=1)
    assert not alone.row_labels and torch.stack(alone.rows[0]).allclose(torch.stack(sheet.rows[2]), atol=1e-6)
    assert sample(vaezoo.create("mlp-style", seed=0), columns=1).row_labels[7] == "style class 7"


def test_reconstructions_stand_below_their_originals_and_the_difference_below_both() -> None:
    model, x = vaezoo.create("vae", seed=0).eval(), pictures(3)
    sheet = reconstruct(model, x, samples=2)
    assert sheet.row_labels == ("original", "reconstruction", "sample 1", "sample 2", "difference")
    below = model.reconstruct(x)
    assert torch.stack(sheet.rows[0]).equal(x) and torch.stack(sheet.rows[1]).allclose(below, atol=1e-6)
    assert sheet.facts["mse"] == pytest.approx((below - x).square().mean((1, 2, 3)).tolist(), rel=1e-5)
    assert not sheet.rows[2][0].equal(sheet.rows[3][0]) and not sheet.rows[2][0].equal(sheet.rows[1][0])
    context = model.context(x[:1])
    drawn = model.decode(model.prior.infer(model.encode(x[:1]), context, 2, Noise(seed=0))).image
    assert sheet.rows[3][0].allclose(drawn[1], atol=1e-6)
    assert torch.stack(sheet.rows[4]).allclose(torch.stack([signed(each) for each in below - x]), atol=1e-6)
    assert reconstruct(model, x, difference=False).row_labels == ("original", "reconstruction")


def test_too_bright_is_red_and_too_dark_is_blue() -> None:
    bright, right, dark = (signed(torch.full((3, 2, 2), value))[:, 0, 0] for value in (0.6, 0.0, -0.6))
    assert bright[0] > bright[2] + 0.3 and dark[2] > dark[0] + 0.3 and right.min() > 0.95


def test_pictures_of_different_sizes_and_models_that_restore_are_taken() -> None:
    sheet = reconstruct(vaezoo.create("conv-beta", seed=0), [pictures(1), pictures(1, (40, 36))], samples=1)
    assert [tuple(image.shape) for image in sheet.rows[2]] == [(1, 28, 28), (1, 40, 36)]
    colour = pictures(1, (16, 16)).expand(-1, 3, -1, -1)
    assert len(reconstruct(vaezoo.create("denoise", seed=0), colour, samples=1).rows) == 4
    cond = {"label": torch.tensor([1, 2])}
    model = vaezoo.create("conv-cvae", seed=0).eval()
    sheet = reconstruct(model, pictures(2), cond=cond, samples=2)
    assert torch.stack(sheet.rows[1]).allclose(model.reconstruct(pictures(2), cond=cond), atol=1e-5)


def test_mistakes_are_named() -> None:
    model = vaezoo.create("conv-cvae", seed=0)
    with pytest.raises(IncompatibleParts, match="restores images and cannot generate any"):
        sample(vaezoo.create("denoise", seed=0))
    with pytest.raises(ConfigError, match="columns of at least 1, got 0"):
        sample(model, columns=0)
    with pytest.raises(ConfigError, match="1 row of label, got 2"):
        sample(model, cond={"label": torch.tensor([1, 2])})
    with pytest.raises(ConfigError, match="samples of at least 0, got -1"):
        reconstruct(model, pictures(1), samples=-1)
    with pytest.raises(ShapeError, match="at least one picture"):
        reconstruct(model, pictures(1)[:0])
