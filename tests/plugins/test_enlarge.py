"""The ladder that enlarges: its contract, its bicubic image, its factors, tiles, and what it costs."""

from __future__ import annotations

import pytest
import torch
from vaezoo_ladder import facts
from vaezoo_ladder.enlarge import EnlargingDecoder, enlarge

from vaezoo import create
from vaezoo.core import VAE, Batch, Noise
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError
from vaezoo.image import upscale
from vaezoo.inspection.cost import Counter
from vaezoo.restore import Restorer
from vaezoo.testing import ModelContract
from vaezoo.testing.model import stirred

SMALL = {"widths": [8, 12], "latents": [2, 3], "evidence": [4, 6], "blocks": 1, "finest_blocks": 1}


class TestEnlarging(ModelContract):
    model = "sr-fast"
    params = {"widths": [16, 24, 32], "blocks": 1, "finest_blocks": 1}


def small() -> VAE:
    model = create("sr-fast", seed=0, **SMALL).eval()
    stirred(model)
    return model


def factor(value: int, rows: int = 1) -> dict[str, torch.Tensor]:
    return {"factor": torch.full((rows,), value)}


@pytest.mark.parametrize("times", [2, 3, 4, 5])
@pytest.mark.parametrize("size", [(7, 9), (1, 1), (2, 1), (16, 5)])
def test_the_bicubic_image_is_that_of_the_benchmarks(times: int, size: tuple[int, int]) -> None:
    y = torch.rand(2, 3, *size)
    torch.testing.assert_close(enlarge(y, times), upscale(y, times), rtol=0, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        assert enlarge(y, times).dtype == torch.float32


@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_head_that_corrects_nothing_gives_the_bicubic_image(times: int) -> None:
    model = small()
    assert isinstance(model.decoder, EnlargingDecoder)
    for parameter in model.decoder.projects.parameters():
        torch.nn.init.zeros_(parameter)
    y = torch.rand(1, 3, 12, 8)
    torch.testing.assert_close(model.restore(y, factor(times)).image, upscale(y, times).clamp(0, 1))


def test_a_factor_that_is_not_told_is_the_first() -> None:
    model, y = small(), torch.rand(2, 3, 8, 8)
    assert torch.equal(model.restore(y).image, model.restore(y, factor(2, rows=2)).image)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (torch.tensor([2, 3]), "one factor for all images of a batch, of 2, 3, 4, got 2, 3"),
        (torch.tensor([5, 5]), "of 2, 3, 4, got 5"),
        (torch.tensor([2]), r"factor of shape \(2,\) and whole numbers, got \(1,\) of torch.int64"),
        (torch.tensor([2.0, 2.0]), r"got \(2,\) of torch.float32"),
    ],
)
def test_factors_that_make_no_sense_are_refused(told: torch.Tensor, says: str) -> None:
    with pytest.raises(ShapeError, match=says):
        small().restore(torch.rand(2, 3, 8, 8), {"factor": told})


def test_targets_are_as_large_as_the_factor_says() -> None:
    model, y = small(), torch.rand(1, 3, 9, 7)
    assert model(Batch(y, torch.rand(1, 3, 27, 21), factor(3))).elbo.isfinite()
    with pytest.raises(ShapeError, match=r"Expected x of shape \(1, 3, 27, 21\), 3 times as large as y, got"):
        model(Batch(y, y, factor(3)))
    with pytest.raises(ShapeError, match="2 times as large as y"):
        model.encode(y)
    with pytest.raises(ShapeError, match="2 times as large as y"):
        model.reconstruct(y)
    assert model.reconstruct(torch.rand(1, 3, 36, 28), y=y, cond=factor(4)).shape == (1, 3, 36, 28)
    assert model.nll(Batch(y, torch.rand(1, 3, 18, 14)), k=2).isfinite()


def test_parts_that_enlarge_by_other_factors_do_not_fit() -> None:
    with pytest.raises(IncompatibleParts, match="The encoder 'folding' enlarges by 2, but the conditioner 'enlarging'"):
        create("sr-fast", **{"encoder.factors": [2]})
    with pytest.raises(IncompatibleParts, match=r"decoder 'enlarging' enlarges by 2, 3, 4, .* asks for it by nothing"):
        create("sr-fast", conditioner={"name": "pyramid", "unshuffle": 1})
    with pytest.raises(
        IncompatibleParts, match="asks for a larger target, but the encoder 'folding' encodes the input"
    ):
        create("sr-fast", encodes="input")
    for wrong in ((), (1, 2), (2, 2)):
        with pytest.raises(ConfigError, match="Expected factors as"):
            facts.enlarging(factors=wrong)


@pytest.mark.parametrize("times", [2, 3])
def test_tiles_samples_and_views_are_those_of_the_whole(times: int) -> None:
    model, y = small(), torch.rand(1, 3, 150, 95)
    for options in ({}, {"samples": 2}, {"self_ensemble": True}):
        whole = Restorer(model, tile=160, seed=3, **options)(y, numbers={"factor": times})
        tiled = Restorer(model, tile=64, seed=3, **options)(y, numbers={"factor": times})
        assert whole.image.shape == (1, 3, 150 * times, 95 * times) and tiled.tile == 64
        for name in ("image", "scale", "average", "spread"):
            one, other = getattr(whole, name), getattr(tiled, name)
            assert (one is None) == (other is None)
            if one is not None:
                torch.testing.assert_close(one, other, rtol=0, atol=2e-5)


def test_detail_and_gray_pictures_are_enlarged_too() -> None:
    y = torch.rand(1, 1, 20, 30)
    restored = Restorer(small(), detail=0.5, seed=1)(y, numbers={"factor": 4})
    assert restored.average is not None and restored.average.shape == (1, 1, 80, 120)
    assert not torch.equal(restored.average, restored.image)


def test_the_latents_are_of_the_input() -> None:
    model, y = small(), torch.rand(1, 3, 16, 24)
    for times in (2, 4):
        latents, likelihood = model.path(model.context(y, factor(times)), 2, Noise(seed=0))
        assert [tuple(z.shape) for z in latents.z] == [(2, 1, 3, 8, 12), (2, 1, 2, 16, 24)]
        assert likelihood.image.shape == (2, 3, 16 * times, 24 * times)


def test_a_picture_costs_what_its_input_has_of_pixels() -> None:
    """Four times the size costs the body once; at the size of the result it would be sixteen times as much."""
    model, costs = create("sr-fast", seed=0).eval(), []
    for times in (2, 4):
        with Counter() as counter:
            model.restore(torch.rand(1, 3, 32, 32), factor(times))
        costs.append(counter.macs / 32**2 / 1000)
    assert costs[1] < 1.1 * costs[0] and 500 < costs[0] < 704, "thousands of multiplications a pixel of the input"
