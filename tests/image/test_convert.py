"""Kinds of image: what goes in comes out, of the same kind, and what cannot is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vaezoo.errors import ImageError, ShapeError
from vaezoo.image import Picture, from_tensor, open_image, to_tensor, write_picture

RANDOM = np.random.RandomState(0)


def levels(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return RANDOM.randint(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_the_trip(dtype: type) -> None:
    picture = Picture(np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(16, -1, 1))
    assert (from_tensor(to_tensor(picture), picture).pixels == picture.pixels).all()


def test_values_are_rounded_and_clipped() -> None:
    like = Picture(np.zeros((1, 5, 1), np.uint8))
    image = torch.tensor([-0.2, 1.4 / 255, 1.6 / 255, 254.6 / 255, 1.3]).reshape(1, 1, 1, 5)
    assert from_tensor(image, like).pixels.flatten().tolist() == [0, 1, 2, 255, 255]


def test_other_channels_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(1, 1, H, W\) as the picture has, got \(1, 3, 2, 2\)"):
        from_tensor(torch.zeros(1, 3, 2, 2), Picture(np.zeros((2, 2, 1), np.uint8)))


def test_alpha_grows_with_the_picture() -> None:
    alpha = np.zeros((4, 4), np.uint8)
    alpha[:, 2:] = 255
    large = from_tensor(torch.zeros(1, 3, 8, 12), Picture(np.zeros((4, 4, 3), np.uint8), alpha)).alpha
    assert large is not None and large.shape == (8, 12) and large.dtype == np.uint8
    assert (large[:, :4] < 10).all() and (large[:, 8:] > 245).all()
    for array in (np.dstack([levels(4, 4, 3), alpha]), np.dstack([RANDOM.rand(4, 4, 3), alpha / 255])):
        tensor, close = open_image(array)
        larger = close(tensor.repeat_interleave(2, 2).repeat_interleave(2, 3))
        assert larger.shape == (8, 8, 4) and larger.dtype == array.dtype
        assert (larger[:, :3, 3] < 0.1 * array.max()).all() and (larger[:, 5:, 3] > 0.9 * array[..., 3].max()).all()


@pytest.mark.parametrize(
    "image",
    [
        levels(5, 4), levels(5, 4, 1), levels(5, 4, 2), levels(5, 4, 3), levels(5, 4, 4, dtype=np.uint16),
        levels(6, 6, 3)[::-2, ::-1], RANDOM.rand(5, 4), RANDOM.rand(5, 4, 3).astype(np.float32),
        RANDOM.rand(5, 4, 4).astype(np.float16), RANDOM.rand(5, 4, 1) * 1.6 - 0.3,
    ],
    ids=lambda image: f"{image.dtype}{image.shape}",
)  # fmt: skip
def test_arrays_come_back(image: np.ndarray) -> None:
    tensor, close = open_image(image)
    back = close(tensor)
    assert tensor.dtype == torch.float32 and tensor.shape[1] in (1, 3)
    assert back.dtype == image.dtype and back.shape == image.shape
    np.testing.assert_allclose(back, image, atol=1e-6)


def test_alpha_passes_untouched() -> None:
    image = levels(5, 4, 4)
    tensor, close = open_image(image)
    darker = close(tensor * 0.5)
    assert (darker[..., 3] == image[..., 3]).all() and darker[..., :3].mean() < image[..., :3].mean()


@pytest.mark.parametrize("shape", [(3, 5, 4), (1, 3, 5, 4), (1, 5, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_tensors_come_back(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    image = torch.rand(shape).to(dtype)
    tensor, close = open_image(image)
    back = close(tensor)
    assert tensor.shape == (1, *shape[-3:]) and back.dtype == dtype and torch.equal(back, image)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pil_images_come_back(mode: str) -> None:
    source = levels(5, 4, dtype=np.uint16) if mode == "I;16" else levels(5, 4, len(mode)).squeeze()
    image = Image.fromarray(source)
    image.info["icc_profile"] = b"profile"
    tensor, close = open_image(image)
    back = close(tensor)
    assert back.mode == mode and (np.asarray(back) == source).all() and back.info["icc_profile"] == b"profile"


@pytest.mark.parametrize(("mode", "wider"), [("P", "RGB"), ("1", "L")])
def test_narrow_pil_modes_are_widened(mode: str, wider: str) -> None:
    image = Image.fromarray(levels(5, 4, 3)).convert(mode)
    tensor, close = open_image(image)
    assert close(tensor).mode == wider and (np.asarray(close(tensor)) == np.asarray(image.convert(wider))).all()


@pytest.mark.parametrize(("mode", "wider", "clear"), [("L", "LA", 7), ("RGB", "RGBA", (7, 7, 7))])
def test_the_one_value_of_a_pil_image_that_is_clear_becomes_alpha(mode: str, wider: str, clear: Any) -> None:
    image = Image.new(mode, (4, 3), clear)
    image.putpixel((1, 2), 9 if mode == "L" else (9, 7, 7))
    image.info["transparency"] = clear
    tensor, close = open_image(image)
    back = close(tensor + 0.2)
    assert back.mode == wider and "transparency" not in back.info
    assert np.argwhere(np.asarray(back)[..., -1]).tolist() == [[2, 1]]


def test_pil_images_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    Image.fromarray(levels(64, 64, 3)).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    closed = Image.open(tmp_path / "whole.png")
    closed.close()
    for image in (Image.open(tmp_path / "cut.png"), closed):
        with pytest.raises(ImageError, match=r"The PIL image cannot be read: .*\. Its file may be damaged"):
            open_image(image)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_matrix_is_an_array() -> None:
    source = np.asmatrix(levels(5, 4))
    tensor, close = open_image(source)
    assert tensor.shape == (1, 1, 5, 4) and (close(tensor) == source).all()


def test_paths_and_pictures_come_back_as_pictures(tmp_path: Path) -> None:
    picture = Picture(levels(5, 4, 3), alpha=levels(5, 4))
    write_picture(picture, tmp_path / "a.png")
    for image in (picture, tmp_path / "a.png", str(tmp_path / "a.png")):
        tensor, close = open_image(image)
        assert (close(tensor).pixels == picture.pixels).all() and (close(tensor).alpha == picture.alpha).all()


def test_the_source_is_not_shared() -> None:
    image = np.zeros((4, 4, 1), np.float32)
    tensor, _ = open_image(image)
    tensor += 1
    assert image.max() == 0


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (3, ShapeError, "Expected a path, Picture, PIL image, array or tensor, got int"),
        (np.zeros((2, 3, 4, 5), np.uint8), ShapeError, r"C 1 to 4, got \(2, 3, 4, 5\)"),
        (np.zeros((3, 8, 8), np.uint8), ShapeError, r"got \(3, 8, 8\)"),
        (np.zeros((0, 3, 3), np.uint8), ShapeError, r"got \(0, 3, 3\)"),
        (np.zeros((4, 4, 3), np.int64), ShapeError, "uint8, uint16 or float, got int64"),
        (np.zeros((4, 4), bool), ShapeError, "uint8, uint16 or float, got bool"),
        (np.full((4, 4), np.nan), ImageError, "NaN or infinite"),
        (torch.full((1, 4, 4), torch.inf), ImageError, "NaN or infinite"),
        (np.full((4, 4, 3), 200.0), ShapeError, r"in \[0, 1\], got 200 to 200. Divide by 255 or 65535"),
        (-torch.full((1, 4, 4), 9.0), ShapeError, "got -9 to -9"),
        (torch.zeros(2, 3, 4, 4), ShapeError, r"one image, .* got \(2, 3, 4, 4\). Pass the images"),
        (torch.zeros(4, 4), ShapeError, r"got \(4, 4\)"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), ShapeError, r"float tensor in \[0, 1\], got torch.uint8"),
        (torch.zeros(3, 4, 4).to_sparse(), ShapeError, r"a dense tensor with values, got torch.sparse_coo"),
        (torch.zeros(3, 4, 4, device="meta"), ShapeError, "a dense tensor with values, got one without values"),
        ("a\0b.png", ImageError, r"'a\\x00b.png' cannot be read: embedded null byte"),
        (Image.new("CMYK", (4, 4)), ImageError, "mode 'CMYK' is not supported. Convert it to one of"),
    ],
)
def test_what_cannot_be_used_is_refused(image: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_image(image)


def test_animated_pil_images_are_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(levels(8, 8)) for _ in range(2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="single picture, got 2 frames"):
        open_image(Image.open(tmp_path / "a.gif"))


def test_importing_the_package_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys, vaezoo.image, vaezoo.restore, vaezoo.restore.batch, vaezoo.cli.enhance;"
        "print([m for m in ('torch', 'pyvips', 'PIL', 'matplotlib', 'numpy') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_unknown_names_are_ordinary_attribute_errors() -> None:
    import vaezoo.image
    import vaezoo.restore

    for package in (vaezoo.image, vaezoo.restore):
        assert all(getattr(package, name) is not None for name in package.__all__)
        with pytest.raises(AttributeError, match="nothing"):
            _ = package.nothing
