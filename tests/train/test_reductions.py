"""Pairs for models that enlarge: reductions as the benchmark makes them, one factor a step, rows of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError
from vaezoo.image import downscale
from vaezoo.train.damages.crops import draw_region
from vaezoo.train.damages.damage import damage_of
from vaezoo.train.damages.reductions import Reductions, spoilt
from vaezoo.train.data import open_source
from vaezoo.train.recipe import DataRecipe

CPU = torch.device("cpu")


def pictures(*sizes: tuple[int, int]) -> Images:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(256, size=(*size, 3), dtype=np.uint8) for size in sizes]
    return Images("noise", arrays, "0" * 64, "none")


def reductions(seed: int = 0, **data: object) -> Reductions:
    given: dict[str, object] = {"patch": 8, "damage": "reduce", **data}
    damage = damage_of(DataRecipe(**given))  # type: ignore[arg-type]
    assert damage is not None
    source = damage.source((pictures((40, 50), (64, 33)),), seed)
    assert isinstance(source, Reductions)
    return source


def test_targets_are_larger_by_the_steps_factor_and_shrink_to_what_the_model_sees() -> None:
    source, seen = reductions(augment=True), set[int]()
    for step in range(12):
        batch = source.batch(step, range(3), 3, CPU)
        factor = source.factor(step)
        seen.add(factor)
        assert batch.y.shape == (3, 3, 8, 8) and batch.target.shape == (3, 3, 8 * factor, 8 * factor)
        assert batch.cond["factor"].tolist() == [factor] * 3 and batch.cond["factor"].dtype == torch.int64
        levels = 255 * batch.y
        assert torch.allclose(levels, levels.round(), atol=1e-4), "the small pictures have 8 bits"
        assert (255 * (downscale(batch.target, factor).clamp(0, 1) - batch.y)).abs().max() <= 0.51
    assert seen == {2, 3, 4}


def test_rows_do_not_depend_on_how_a_batch_is_divided_and_steps_differ() -> None:
    source = reductions(scale=[0.9, 1.0], gray_share=0.5, augment=True)
    whole = source.batch(5, range(6), 6, CPU)
    parts = [source.batch(5, rows, 6, CPU) for rows in (range(2), range(2, 6))]
    assert torch.equal(whole.y, torch.cat([part.y for part in parts]))
    assert torch.equal(whole.target, torch.cat([part.target for part in parts]))
    again = reductions(scale=[0.9, 1.0], gray_share=0.5, augment=True).batch(5, range(6), 6, CPU)
    assert torch.equal(whole.y, again.y)
    gray = (whole.target == whole.target[:, :1]).flatten(1).all(1)
    assert gray.any() and not gray.all()
    assert not torch.equal(reductions(seed=1).batch(5, range(6), 6, CPU).y, whole.y)


def test_a_picture_that_is_small_for_its_scale_is_shrunk_as_little_as_it_must() -> None:
    rng, array = np.random.default_rng(0), pictures((40, 50)).pixels[0]
    for _ in range(20):
        region = draw_region(array, rng, 32, DataRecipe(scale=[0.1, 1.0]))
        assert region.shape == (32, 32, 3)


def test_a_recipe_opens_them_and_an_epoch_has_steps(tmp_path: Path) -> None:
    Image.fromarray(pictures((40, 50)).pixels[0]).save(tmp_path / "noise.png")
    source = open_source(DataRecipe(patch=8, damage="reduce"), [str(tmp_path)], 0)
    assert isinstance(source, Reductions)
    assert reductions().steps_per_epoch(1) == int((40 * 50 + 64 * 33) / (64 * 29 / 3))


def test_patches_that_fit_no_picture_are_refused() -> None:
    with pytest.raises(ConfigError, match="Patches of 9, 4 times as large, do not fit into an image of 33 pixels"):
        reductions(patch=9)
    assert reductions(patch=9, factors=[2, 3]).factor(0) in (2, 3)


def test_spoilt_pictures_lie_where_they_were_and_some_stay_clean() -> None:
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 4, 4), (48, 40), mode="bicubic").clamp(0.1, 0.9)
    y = (255 * smooth).round() / 255
    errors, kept = [], 0
    for seed in range(60):
        found = spoilt(y, np.random.default_rng(seed))
        assert found.shape == y.shape and found.min() >= 0 and found.max() <= 1
        assert torch.equal(found, spoilt(y, np.random.default_rng(seed)))
        kept += torch.equal(found, y)
        errors.append((found - y).mean(dim=(0, 1)))
    assert 4 <= kept <= 24
    shifted = torch.roll(y, 1, 3) - y
    mean = torch.stack(errors).mean(0)
    assert mean.abs().mean() < 0.25 * shifted.abs().mean(), "what is spoilt is not moved"
    gray = y[:, :1].expand_as(y)
    for seed in range(20):
        found = spoilt(gray, np.random.default_rng(seed))
        torch.testing.assert_close(found, found[:, :1].expand_as(found))


def test_a_recipe_can_spoil_the_small_pictures_alone() -> None:
    clean, found = (
        reductions(patch=8).batch(1, range(8), 8, CPU),
        reductions(damage="reduce-photo").batch(1, range(8), 8, CPU),
    )
    assert torch.equal(clean.target, found.target) and not torch.equal(clean.y, found.y)
    parts = [reductions(damage="reduce-photo").batch(1, rows, 8, CPU).y for rows in (range(5), range(5, 8))]
    assert torch.equal(found.y, torch.cat(parts))
