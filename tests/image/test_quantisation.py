"""Coefficients read from JPEG files: against those a file was made of, and against its original's intervals."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from skimage import data

from vaezoo.errors import ImageError
from vaezoo.image import read_quantised
from vaezoo.image.compression.dct import dct, from_blocks, inverse_dct, to_blocks
from vaezoo.image.compression.quantisation import _frame

CAT = data.chelsea()[:144, 100:260]


def saved(pixels: np.ndarray | Image.Image, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(file, "JPEG", **options)
    file.seek(0)
    return file


def test_known_coefficients_are_found() -> None:
    draw = torch.Generator().manual_seed(0)
    step = torch.randint(16, 60, (8, 8), generator=draw)
    k = torch.where(torch.rand(3, 5, 8, 8, generator=draw) < 0.1, torch.randint(-2, 3, (3, 5, 8, 8), generator=draw), 0)
    plane = from_blocks(inverse_dct((k * step).double())) + 128
    assert plane.min() > 0 and plane.max() < 255
    table = step.flatten().tolist()
    found = read_quantised(saved(plane.round().byte().numpy(), qtables=[table]))
    assert found.size == (24, 40) and found.channels == 1 and found.orientation == 1
    (luma,) = found.planes
    assert torch.equal(luma.step, step.float()) and torch.equal(luma.centre, (k * step).float())
    assert bool(luma.known.all())


def ycc(pixels: np.ndarray) -> np.ndarray:
    """Returns luma and chroma as JFIF has them: differences to luma, scaled to the range of 8 bits around 128."""
    red, green, blue = pixels.astype(np.float64).transpose(2, 0, 1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.rint(np.stack([luma, 128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402], axis=2))


@pytest.mark.parametrize("size", [(144, 160), (123, 155), (9, 17), (1, 1)])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [10, 75])
@pytest.mark.parametrize("subsampling", ["gray", "4:4:4", "4:2:0"])
def test_the_original_lies_in_the_intervals(
    subsampling: str, quality: int, progressive: bool, size: tuple[int, int]
) -> None:
    """To the rounding of the encoder's luma, chroma and means to 8 bits, which moves none further than 2 levels."""
    pixels = CAT[: size[0], : size[1]]
    options: dict[str, Any] = {"quality": quality, "progressive": progressive}
    if subsampling == "gray":
        pixels = pixels[..., 1]
    else:
        options["subsampling"] = subsampling
    found = read_quantised(saved(pixels, **options))
    assert found.size == size and len(found.planes) == found.channels == (1 if subsampling == "gray" else 3)
    assert found.halved == (subsampling == "4:2:0")
    stored = pixels[..., None] if pixels.ndim == 2 else ycc(pixels)
    for i, plane in enumerate(found.planes):
        values = stored[..., i].astype(np.float64)
        if i and found.halved:
            values = np.pad(values, ((0, size[0] % 2), (0, -size[1] % 16)), mode="edge")
            values = values.reshape(values.shape[0] // 2, 2, -1, 2).mean((1, 3))
        values = np.pad(values, [(0, -side % 8) for side in values.shape], mode="edge")
        off = dct(to_blocks(torch.from_numpy(values) - 128)) - plane.centre
        assert bool(plane.known.all())
        assert bool((off.abs() <= plane.step / 2 + 2).all())


def test_clipped_blocks_are_found() -> None:
    """Black on white rings beyond 0 and 255, which 8 bits cut off; blocks that stay unknown are said to be."""
    page = Image.new("L", (128, 64), 255)
    ImageDraw.Draw(page).text((3, 3), "Black on white,\nas books are,\nrings beyond both.", fill=0)
    (luma,) = read_quantised(saved(page, quality=10)).planes
    off = dct(to_blocks(torch.from_numpy(np.array(page)).double() - 128)) - luma.centre
    wrong = (off.abs() > luma.step / 2 + 0.1).any(-1).any(-1)
    seen = dct(to_blocks(torch.from_numpy(np.array(Image.open(saved(page, quality=10)))).double() - 128))
    naive = ((seen / luma.step).round() * luma.step != luma.centre).any(-1).any(-1)
    assert naive.double().mean() > 0.2
    assert luma.known.double().mean() > 0.95 and not bool(wrong[luma.known].any())


def test_chroma_that_is_halved_one_way_is_not_read() -> None:
    assert len(read_quantised(saved(CAT, subsampling="4:2:2")).planes) == 1


def test_the_frame_is_found_behind_fill_bytes() -> None:
    plain = saved(CAT[:21, :35]).getvalue()
    at = plain.index(b"\xff\xc0")
    filled = read_quantised(io.BytesIO(plain[:at] + b"\xff\xff" + plain[at:]))
    for one, other in zip(filled.planes, read_quantised(io.BytesIO(plain)).planes, strict=True):
        assert torch.equal(one.centre, other.centre)
    with pytest.raises(ValueError, match="it has no frame"):
        _frame(plain[:2] + plain[at + 19 :])


def test_other_files_are_refused(tmp_path: Path) -> None:
    png = tmp_path / "cat.png"
    Image.fromarray(CAT).save(png)
    with pytest.raises(ImageError, match=r"cat.png: expected a JPEG file, .* begins with b'\\x89PNG'"):
        read_quantised(png)
    with pytest.raises(ImageError, match=r"none\.jpg cannot be read: No such file"):
        read_quantised(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="expected gray, or luma and chroma, got red, green and blue"):
        read_quantised(saved(CAT, keep_rgb=True))
    with pytest.raises(ImageError, match="got 4 planes"):
        read_quantised(saved(Image.fromarray(CAT).convert("CMYK")))
    whole = saved(CAT).getvalue()
    with pytest.raises(ImageError, match="the file cannot be decoded: "):
        read_quantised(io.BytesIO(whole[:2000]))
    with pytest.raises(ImageError, match="the file cannot be decoded: "):
        read_quantised(io.BytesIO(whole[:30]))
