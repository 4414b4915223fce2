"""Super-resolution to any size: which factors a model is asked for, what is made of its answer, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from vaezoo_sr.sr import SuperResolve, project

from vaezoo.errors import ConfigError
from vaezoo.image.resize import resize
from vaezoo.restore import Restorer, enhance

from .fakes import Enlarger, Smoother
from .test_tasks import photo


@pytest.mark.parametrize(
    ("factor", "asked"),
    [
        (2, [2]),
        (3.0, [3]),
        (1.5, [2]),
        (2.01, [3]),
        (4, [4]),
        (5, [2, 3]),
        (6, [2, 3]),
        (7, [2, 4]),
        (8.5, [3, 3]),
        (16, [4, 4]),
    ],
)
def test_the_next_larger_factors_are_asked_for(factor: float, asked: list[int]) -> None:
    y, model = photo(8, 12), Enlarger()
    result = SuperResolve(factor).restore(Restorer(model), y)
    assert [told for told, _ in model.seen] == asked
    assert model.seen[-1][1] == ((8, 12) if len(asked) == 1 else (8 * asked[0], 12 * asked[0]))
    assert result.image.shape == (1, 3, round(8 * factor), round(12 * factor))
    assert result.scale is not None and result.scale.shape == result.image.shape
    assert result.facts["consistency_levels"] <= 0.5


def test_a_model_is_asked_for_what_it_can() -> None:
    model = Enlarger((2,))
    SuperResolve(3).restore(Restorer(model), photo(8, 12))
    assert [told for told, _ in model.seen] == [2, 2]
    with pytest.raises(ConfigError, match="at most 4 times as many pixels along a side for this model, got 5"):
        SuperResolve(5).restore(Restorer(model), photo(8, 12))


def test_a_model_for_pictures_that_were_enlarged_is_served_as_before() -> None:
    model = Smoother()
    assert SuperResolve(1.5).restore(Restorer(model), photo(20, 30)).image.shape == (1, 3, 30, 45)
    assert model.seen == [(1, 3, 40, 60)]


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"size": "60x"}, (40, 60)),
        ({"size": "x60"}, (60, 90)),
        ({"size": "100x50"}, (50, 75)),
        ({"size": "45x500"}, (30, 45)),
        ({"megapixels": 0.0024}, (40, 60)),
        ({"megapixels": 0.01}, (82, 122)),
        ({}, (40, 60)),
    ],
)
def test_sizes_keep_the_ratio_of_the_sides(options: dict[str, Any], size: tuple[int, int]) -> None:
    result = SuperResolve(**options).restore(Restorer(Enlarger()), photo(20, 30))
    assert tuple(result.image.shape[2:]) == size


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"factor": 1}, "Expected a factor above 1, up to 16, got 1"),
        ({"factor": 0.5}, "got 0.5"),
        ({"factor": float("nan")}, "got nan"),
        ({"factor": "2"}, "got '2'"),
        ({"factor": 2, "size": "60x"}, "Expected a factor, a size or megapixels, got factor=2 and size='60x'"),
        ({"size": "60x", "megapixels": 3}, "size='60x' and megapixels=3"),
        ({"size": "60"}, "Expected a size such as 3000x, x2000 or 3000x2000, width first, got '60'"),
        ({"size": "x"}, "got 'x'"),
        ({"size": "0x60"}, "got '0x60'"),
        ({"size": "-5x60"}, "got '-5x60'"),
        ({"size": (60, 40)}, r"got \(60, 40\)"),
        ({"megapixels": 0}, "Expected a number of megapixels above 0, got 0"),
        ({"megapixels": float("inf")}, "got inf"),
    ],
)
def test_what_is_no_size_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        SuperResolve(**options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": "30x"}, "Expected size='30x' larger than the picture, 30x20, and at most 16 times"),
        ({"size": "600x10"}, "got 0.5 times"),
        ({"size": "9000x"}, "got 300 times"),
        ({"megapixels": 0.0001}, "Expected megapixels=0.0001 larger"),
    ],
)
def test_sizes_that_do_not_enlarge_this_picture_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        SuperResolve(**options).restore(Restorer(Enlarger()), photo(20, 30))


def test_the_scale_of_a_smaller_result_is_that_of_its_pixels_and_of_two_steps_the_sum_of_variances() -> None:
    restorer = Restorer(Enlarger(), samples=2)
    half = SuperResolve(1.5).restore(restorer, photo(8, 12))
    assert half.scale is not None and half.spread is not None
    torch.testing.assert_close(half.scale, torch.full_like(half.scale, 0.2))
    torch.testing.assert_close(half.spread, torch.full_like(half.spread, 0.1))
    twice = SuperResolve(8).restore(restorer, photo(8, 12))
    assert twice.scale is not None and twice.average is not None
    torch.testing.assert_close(twice.scale, torch.full_like(twice.scale, (0.2**2 + 0.4**2) ** 0.5))
    assert twice.average.shape == twice.image.shape


@pytest.mark.parametrize("sides", [(30, 45), (23, 31), (47, 80)])
def test_the_result_shrinks_to_the_input_whatever_the_size(sides: tuple[int, int]) -> None:
    y = (255 * photo(20, 30)).round() / 255
    image = project(torch.full((1, 3, *sides), 0.5), y)
    assert (resize(image, (20, 30)) - y).abs().max() <= 0.5 / 255


def test_what_weights_for_photos_take_away_is_not_brought_back_unless_it_is_asked_for() -> None:
    y = (255 * photo(20, 30)).round() / 255
    model = Enlarger()
    kept = {}
    for tag in ("open", "photo", None):
        card = None if tag is None else SimpleNamespace(name=f"sr.{tag}")
        model.origin = SimpleNamespace(weights=SimpleNamespace(card=card))  # type: ignore[assignment]
        for asked in (None, True, False):
            result = SuperResolve(4, consistent=asked).restore(Restorer(model), y)
            kept[tag, asked] = result.facts["consistency_levels"] <= 0.5
    assert all(kept[tag, True] and not kept[tag, False] for tag in ("open", "photo", None))
    assert (kept["open", None], kept["photo", None], kept[None, None]) == (True, False, True)


def test_progress_counts_the_tiles_of_both_steps() -> None:
    told: list[tuple[int, int]] = []
    SuperResolve(8).restore(Restorer(Enlarger()), photo(8, 12), lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]


def test_enhance_takes_a_size() -> None:
    array = photo(20, 30)[0].permute(1, 2, 0).numpy()
    found = enhance(array, task="sr", size="45x", model=Enlarger())
    assert found.image.shape == (30, 45, 3) and found.scale is not None and found.scale.shape == (30, 45, 3)
    mixed = enhance(array, task="sr", megapixels=0.00135, model=Enlarger(), strength=0.5, self_ensemble=True)
    assert mixed.image.shape == (30, 45, 3) and np.isfinite(mixed.image).all()
    options: Mapping[str, Any] = {"task": "denoise", "size": "45x", "model": Enlarger()}
    with pytest.raises(ConfigError, match="'denoise' has no option 'size'"):
        enhance(array, **options)
