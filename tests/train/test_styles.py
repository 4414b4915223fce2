"""Procedural styles: what each number does, that they stay in range, and that batches of them are pure functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vaezoo.data.sets import Images
from vaezoo.data.styles import FACTORS, PRESETS, draw_styles, restyle
from vaezoo.errors import ConfigError
from vaezoo.train.data import WholeImages
from vaezoo.train.recipe import DataRecipe, load_recipe

CPU = torch.device("cpu")


def square() -> Tensor:
    image = torch.zeros(1, 1, 28, 28)
    image[..., 6:22, 10:18] = 0.5
    return image


def styled(tinted: bool = False, **factors: float) -> Tensor:
    return restyle(square(), torch.tensor([[factors.get(name, 0.0) for name in FACTORS]]), colour=tinted)


def test_what_each_number_does() -> None:
    plain = styled()
    torch.testing.assert_close(plain, square(), atol=1 / 255, rtol=0)
    rows = torch.arange(28.0)
    place = [(styled(slant=s)[0, 0] * rows).sum(1)[6:22] / styled(slant=s)[0, 0].sum(1)[6:22] for s in (-1, 1)]
    torch.testing.assert_close(place[0].diff().mean(), torch.tensor(0.4), atol=0.01, rtol=0)
    torch.testing.assert_close(place[1].diff().mean(), torch.tensor(-0.4), atol=0.01, rtol=0)
    assert (styled(thickness=1) > 0.25).sum() == 18 * 10 and (styled(thickness=-1) > 0.25).sum() == 14 * 6
    assert float(styled(contrast=1).max()) > 0.7 and float(styled(contrast=-1).max()) < 0.3
    down, up = styled(texture=1)[0, 0, 6:22, 10:18], styled(texture=-1)[0, 0, 6:22, 10:18]
    torch.testing.assert_close(down[:-1, 1:], down[1:, :-1], atol=1e-5, rtol=0)  # constant along one diagonal
    torch.testing.assert_close(up[1:, 1:], up[:-1, :-1], atol=1e-5, rtol=0)  # and along the other
    assert float(down.std()) > 0.1
    assert torch.equal(styled(colour=0.7), plain)
    assert (
        styled(True, colour=-1)[0].amax((1, 2)).argmax() == 0 and styled(True, colour=1)[0].amax((1, 2)).argmax() == 2
    )


def test_every_style_is_in_range_and_each_image_has_its_own() -> None:
    codes = torch.cat([torch.tensor(PRESETS), draw_styles(56, "code", torch.Generator().manual_seed(0))[0]])
    gray = torch.rand(64, 1, 28, 28)
    for colour in (False, True):
        image = restyle(gray, codes, colour=colour)
        assert image.shape == (64, 3 if colour else 1, 28, 28) and 0 <= float(image.min()) <= float(image.max()) <= 1
        torch.testing.assert_close(image[5:6], restyle(gray[5:6], codes[5:6], colour=colour))
    assert len({tuple(p) for p in PRESETS}) == len(PRESETS)


def source(style: str, channels: int = 1, **more: object) -> WholeImages:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 8, 8, channels), dtype=np.uint8)
    images = Images("toy", list(pixels), "", "", labels=np.arange(16, dtype=np.uint8))
    return WholeImages((images,), DataRecipe(style=style, labels=True, **more), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("style", ["class", "code", "reference"])
def test_a_styled_batch_is_a_function_of_seed_step_and_row(style: str) -> None:
    told = f"style_{style}"
    data = source(style, style_colour=True)
    whole = data.batch(2, range(8), 8, CPU)
    parts = [data.batch(2, rows, 8, CPU) for rows in (range(3), range(3, 8))]
    assert set(whole.cond) == {told} and set(whole.info) == {"style_code", "label"}
    assert torch.equal(whole.y, torch.cat([p.y for p in parts])) and whole.y.shape == (8, 3, 8, 8)
    assert torch.equal(whole.cond[told], torch.cat([p.cond[told] for p in parts]))
    assert not torch.equal(whole.info["style_code"], data.batch(3, range(8), 8, CPU).info["style_code"])
    gray = data.pixels[whole.info["label"]].float() / 255
    assert torch.equal(restyle(gray, whole.info["style_code"], colour=True), whole.y)
    if style == "class":
        assert torch.equal(torch.tensor(PRESETS)[whole.cond[told]], whole.info["style_code"])
    if style == "reference":
        assert not torch.equal(whole.cond[told], whole.y)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data.style is for grey images, these have colours.*Set data.gray"):
        source("code", channels=3)
    with pytest.raises(ConfigError, match=r"data\.style should be class, code, reference or nothing, not 'styl'"):
        load_recipe("mlp-vae", ["data.style=styl"])
    with pytest.raises(ConfigError, match=r"data\.style should be without patch, binarise and sigma"):
        load_recipe("mlp-vae", ["data.style=code", "data.binarise=true"])
