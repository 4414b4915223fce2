"""Moving pictures into the intervals of a JPEG file: nearer to the original, and the same file again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vaezoo.errors import ShapeError
from vaezoo.image import gaussian_noise, luma, psnr_db, read_picture, read_quantised, to_tensor
from vaezoo.image.compression.intervals import outside, project
from vaezoo.image.compression.quantisation import Quantised

from .test_quantisation import CAT, saved

KINDS = ["gray", "4:4:4", "4:2:2", "4:2:0"]


def tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.atleast_3d(pixels).transpose(2, 0, 1) / np.float32(255))[None]


def levels(x: Tensor) -> np.ndarray:
    pixels = (255 * x[0]).round().byte().permute(1, 2, 0).numpy()
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def file_of(kind: str, quality: int, size: tuple[int, int]) -> tuple[Tensor, Quantised, dict[str, Any]]:
    """Returns an original, what its file says, and how to save another with the same tables."""
    pixels = CAT[: size[0], : size[1]]
    pixels, options = (pixels[..., 1], {}) if kind == "gray" else (pixels, {"subsampling": kind})
    file = saved(pixels, quality=quality, **options)
    return tensor(pixels), read_quantised(file), {**options, "qtables": Image.open(file).quantization}


@pytest.mark.parametrize("size", [(144, 160), (123, 155)])
@pytest.mark.parametrize("quality", [10, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_the_result_makes_the_same_file(kind: str, quality: int, size: tuple[int, int]) -> None:
    x, quantised, again = file_of(kind, quality, size)
    before = gaussian_noise(x, 20, seed=0).clamp(0, 1)
    after = project(before, quantised)
    assert after.shape == x.shape and after.min() >= 0 and after.max() <= 1
    assert psnr_db(after, x) > psnr_db(before, x)
    if kind != "gray":
        assert psnr_db(luma(after), luma(x)) > psnr_db(luma(before), luma(x))
    rounded = tensor(levels(after))
    assert outside(before, quantised) > 0.02
    inner = (slice(0, size[0] // 8), slice(0, size[1] // 8))  # whole blocks
    first, second = quantised.planes[0], read_quantised(saved(levels(after), **again)).planes[0]
    off = ((second.centre - first.centre) / first.step)[inner]
    assert (off != 0).double().mean() < 0.002 and off.abs().max() <= 1
    if size == (144, 160):
        assert outside(rounded, quantised) < 0.0005 and outside(rounded, quantised, beyond=4) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_inside_is_left_alone(kind: str) -> None:
    _, quantised, _ = file_of(kind, 20, (144, 160))
    middle = tensor(CAT[..., 1] if kind == "gray" else CAT)
    for _ in range(4):
        middle = project(middle, quantised)
    assert (255 * (project(middle, quantised) - middle)).abs().max() < 0.1


def test_a_picture_that_is_far_from_the_file_gets_as_near_as_white_lets_it() -> None:
    _, quantised, _ = file_of("gray", 10, (144, 160))
    after = project(torch.ones(1, 1, 144, 160), quantised)
    assert outside(after, quantised, beyond=1) < 0.01


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["gray", "4:2:0"])
def test_a_turned_file_is_moved_as_it_is_stored(kind: str, orientation: int, tmp_path: Path) -> None:
    pixels = CAT[:120, :72] if kind != "gray" else CAT[:120, :72, 1]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.jpg"
    options = {} if kind == "gray" else {"subsampling": kind}
    Image.fromarray(pixels).save(path, quality=20, exif=exif, **options)
    quantised = read_quantised(path)
    assert quantised.orientation == orientation and quantised.size == (120, 72)
    upright = to_tensor(read_picture(path))
    assert outside(upright, quantised, beyond=3) < 0.001
    black = project(torch.zeros_like(upright), quantised)
    straight = read_quantised(saved(pixels, quality=20, **options))
    expected = project(torch.zeros(1, upright.shape[1], 120, 72), straight)
    turn = {2: (-1,), 3: (-2, -1), 4: (-2,)}
    if orientation in turn:
        assert torch.equal(black, expected.flip(turn[orientation]))
    if orientation in (6, 8):
        assert torch.equal(black, torch.rot90(expected, -1 if orientation == 6 else 1, (-2, -1)))
    if orientation == 5:
        assert torch.equal(black, expected.transpose(-2, -1))


def test_another_picture_than_the_files_is_refused() -> None:
    _, quantised, _ = file_of("4:2:0", 20, (123, 155))
    for shape in ((1, 3, 155, 123), (1, 1, 123, 155)):
        with pytest.raises(ShapeError, match=r"Expected a picture \(1, 3, 123, 155\) as in the JPEG file, got"):
            project(torch.zeros(shape), quantised)
        with pytest.raises(ShapeError, match="It must be the file's whole, decoded and upright"):
            outside(torch.zeros(shape), quantised)


def test_an_open_file_will_do() -> None:
    file = io.BytesIO(saved(CAT).getvalue())
    assert read_quantised(file).channels == 3
