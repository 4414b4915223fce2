"""The photos of `benchmarks.photos`, real and made: each a file as a person has it, and the clean picture behind it.

Everything made is the same on every machine: noise is seeded by the picture's index, cameras are fixed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from benchmarks.photo.flat import flat_blocks
from vaezoo.data.sets import load_images
from vaezoo.errors import DataMissing
from vaezoo.image import downscale, gaussian_noise
from vaezoo.image.damage.camera import Camera, camera_photo
from vaezoo.image.file.folders import find_in_folders, named_folders

CC15 = "test/cc15"
"""Where the real pairs lie in a folder of ``$VAEZOO_DATA``."""
CC15_URL = "https://github.com/csjunxu/MCWNNM-ICCV2017, folder Real_ccnoise_denoised_part"
CC15_SHA256 = "76d6e4df7aa62ef569455183cdaa527dfd01b4aa84ca88e5f956b59a33ced5a3"
"""Of the decoded pairs in order of name, made as `vaezoo.data.sets` makes those of its sets."""
FLAT = 16
"""How many flat blocks a picture needs to be measured by strength."""
JPEG_NOISES, JPEG_QUALITIES = (10, 25), (60.0, 75.0, 85.0, 95.0)

CAMERAS = {
    "night phone": Camera(
        shot=4e-3,
        read=3e-5,
        red=1.9,
        blue=1.75,
        lens=0.6,
        matrix=((1.6, -0.45, -0.15), (-0.25, 1.5, -0.25), (0.05, -0.55, 1.5)),
        luma_blur=0.7,
        luma_kept=0.3,
        chroma_blur=3.0,
        chroma_kept=0.1,
        sharpen=0.5,
        resize=0.8,
        qualities=(88,),
    ),
    "messenger": Camera(
        shot=1.6e-3,
        read=1e-5,
        red=2.2,
        blue=1.5,
        lens=0.5,
        exposure=0.7,
        matrix=((1.4, -0.3, -0.1), (-0.2, 1.4, -0.2), (0.0, -0.4, 1.4)),
        phase=(1, 0),
        chroma_blur=1.5,
        chroma_kept=0.2,
        blotch=0.25,
        blotch_blur=4.0,
        sharpen=0.3,
        resize=0.6,
        qualities=(92, 78),
    ),
}
"""Fixed cameras by name. The first is a phone at night; the second one's photo was sent on by a messenger.

Training draws its cameras from wide ranges (`vaezoo.train.damages.photos`) and knows none of these. Whoever changes one
measures again with ``--refresh``, since the records know it by its name alone.
"""
HALF = 2
"""How many times smaller the pictures are that are to be enlarged."""
SCREENS = ("page", "editor", "chart")
"""Kinds of drawn screenshots."""
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class Photo(NamedTuple):
    """A photo to enhance.

    Attributes:
        x: What it should become, (1, 3, H, W) in [0, 1].
        y: Its pixels, same shape, or half as large where it is to be enlarged; white noise may leave [0, 1].
        file: The file as it is, empty where there is none: values that no file holds.
        suffix: Of the file's name.
    """

    x: Tensor
    y: Tensor
    file: bytes = b""
    suffix: str = ".png"


Source = Callable[[float, Path | None], Iterator[tuple[str, Callable[[], Photo]]]]
"""Gives names, and what makes the photo of each, from the level of the damage and CC15's folder; None: look for it."""


def find_cc15(folder: Path | None = None) -> Path:
    """Returns the folder of the real pairs.

    Args:
        folder: The folder; None for ``test/cc15`` in one of ``$VAEZOO_DATA``.

    Raises:
        DataMissing: It is not there, or its pairs are others.
    """
    found = folder or find_in_folders("VAEZOO_DATA", (CC15,), Path.is_dir)
    hint = f"Get it from {CC15_URL} (for research that is not commercial), and say --cc15 FOLDER."
    if found is None or not found.is_dir():
        where = folder or named_folders("VAEZOO_DATA")
        raise DataMissing(f"CC15 is not there: {where} has no folder {CC15}.", hint=hint, value=str(where))
    digest = hashlib.sha256()
    for file in sorted([*found.glob("*_real.png"), *found.glob("*_mean.png")]):
        pixels = _pixels(file.read_bytes())
        digest.update(f"{file.stem} {pixels.shape[0]} {pixels.shape[1]}\n".encode())
        digest.update(pixels.tobytes())
    if digest.hexdigest() != CC15_SHA256:
        message = f"{found} is not CC15: its content has sha256 {digest.hexdigest()}, not {CC15_SHA256}."
        raise DataMissing(message, hint=hint, value=str(found))
    return found


def real(level: float, folder: Path | None) -> Iterator[tuple[str, Callable[[], Photo]]]:
    """Yields the real pairs: one shot, and the mean of many."""
    for file in sorted(find_cc15(folder).glob("*_real.png")):
        name = file.stem.removesuffix("_real")
        clean = file.with_name(f"{name}_mean.png")
        yield name, lambda file=file, clean=clean: _of_file(tensor(_pixels(clean.read_bytes())), file.read_bytes())  # type: ignore[misc]


def real_flat(level: float, folder: Path | None) -> Iterator[tuple[str, Callable[[], Photo]]]:
    """Yields those of the real pairs that have enough flat blocks."""
    for name, make in real(level, folder):
        photo = make()
        if int(flat_blocks(photo.x).sum()) >= FLAT:
            yield name, lambda photo=photo: photo  # type: ignore[misc]


def noisy_jpeg(sigma: float) -> Source:
    """Returns Kodak's pictures with white noise that is clipped, rounded and saved as JPEG of the level's quality."""

    def make(pixels: Pixels, quality: float, index: int) -> Photo:
        noise = np.random.RandomState(index).randn(*pixels.shape) * sigma
        noisy = np.round(np.clip(pixels + noise, 0, 255)).astype(np.uint8)
        return _of_file(tensor(pixels), _jpeg(noisy, round(quality)), ".jpg")

    return each("kodak24", make)


def small_jpeg(pixels: Pixels, quality: float, index: int) -> Photo:
    """Returns a picture reduced by `HALF` and saved as JPEG, as web pages have it; it is to be enlarged again."""
    return _of_file(tensor(pixels), _jpeg(_half(pixels), round(quality)), ".jpg")


def small_noisy(pixels: Pixels, sigma: float, index: int) -> Photo:
    """Returns a picture reduced by `HALF` with white noise, clipped and rounded; it is to be enlarged again."""
    half = _half(pixels)
    noise = np.random.RandomState(index).randn(*half.shape) * sigma
    return _of_file(tensor(pixels), png(np.round(np.clip(half + noise, 0, 255)).astype(np.uint8)))


def _half(pixels: Pixels) -> Pixels:
    return pixels_of(downscale(tensor(pixels), HALF))


def phone(name: str) -> Source:
    """Returns Kodak's pictures as a camera of `CAMERAS` writes them."""
    return each("kodak24", lambda pixels, level, index: taken(pixels, name, index))


def taken(pixels: Pixels, name: str, seed: int) -> Photo:
    """Returns a picture as a camera of `CAMERAS` writes it."""
    *first, last = CAMERAS[name].qualities
    camera = replace(CAMERAS[name], qualities=tuple(first))  # the last file is written here, so that it is there
    photo = camera_photo(tensor(pixels), camera, seed)
    return _of_file(photo.x, _jpeg(pixels_of(photo.y), last, subsampling=CAMERAS[name].subsampling), ".jpg")


def clean(data: str) -> Source:
    """Returns the pictures of a set as they are."""
    return each(data, lambda pixels, level, index: _of_file(tensor(pixels), png(pixels)))


def screens(level: float, folder: Path | None) -> Iterator[tuple[str, Callable[[], Photo]]]:
    """Yields drawn screenshots."""
    for kind in SCREENS:
        pixels = screenshot(kind)
        yield kind, lambda pixels=pixels: _of_file(tensor(pixels), png(pixels))  # type: ignore[misc]


def white(data: str) -> Source:
    """Returns the pictures of a set with white noise of the level, as floats and not clipped."""
    return each(
        data,
        lambda pixels, level, index: Photo(tensor(pixels), gaussian_noise(tensor(pixels), level, index)),
    )


def each(data: str, make: Callable[[Pixels, float, int], Photo]) -> Source:
    """Returns the pictures of a set, each made into a photo from its pixels, the level and its index."""

    def source(level: float, folder: Path | None) -> Iterator[tuple[str, Callable[[], Photo]]]:
        images = load_images(data)
        for index, (name, pixels) in enumerate(zip(images.names, images.pixels, strict=True)):
            yield name, lambda index=index, pixels=pixels: make(pixels, level, index)  # type: ignore[misc]

    return source


def screenshot(kind: str) -> Pixels:
    """Draws what a screen shows, without chance and without fonts of the system: (480, 640, 3)."""
    paper = {"page": (255, 255, 255), "editor": (30, 31, 38), "chart": (246, 246, 248)}[kind]
    picture = Image.new("RGB", (640, 480), paper)
    pen = ImageDraw.Draw(picture)
    if kind == "page":
        pen.rectangle((0, 0, 639, 39), fill=(33, 83, 160))
        _write(picture, (12, 8), "A page of a browser", (255, 255, 255))
        for row in range(24):
            ink = (17, 17, 17) if row % 4 else (0, 84, 200)
            _write(
                picture, (24, 52 + 17 * row), "The quick brown fox jumps over the lazy dog 0123456789"[row % 5 :], ink
            )
    elif kind == "editor":
        inks = ((212, 212, 212), (86, 156, 214), (206, 145, 120), (106, 153, 85), (220, 220, 170))
        for row in range(27):
            _write(picture, (8, 4 + 17 * row), f"{row + 1:3d}", (110, 112, 120))
            _write(picture, (60 + 24 * (row % 3), 4 + 17 * row), "value = restore(photo, sigma=25)", inks[row % 5])
        pen.rectangle((620, 0, 639, 479), fill=(42, 43, 52))
    else:
        for row in range(9):
            pen.line((60, 40 + 48 * row, 620, 40 + 48 * row), fill=(214, 214, 220))
            _write(picture, (20, 32 + 48 * row), f"{100 - 10 * row}", (90, 90, 96))
        for column, height in enumerate((120, 210, 330, 170, 260, 300, 80)):
            ink = ((214, 39, 40), (31, 119, 180), (44, 160, 44), (255, 127, 14))[column % 4]
            pen.rectangle((80 + 76 * column, 424 - height, 124 + 76 * column, 424), fill=ink)
        pen.line([(80 + 30 * i, 200 + (37 * i * i) % 150) for i in range(18)], fill=(20, 20, 20), width=2)
        for column in range(560):
            pen.line((60 + column, 448, 60 + column, 470), fill=(column * 255 // 559, 128, 255 - column * 255 // 559))
    return np.asarray(picture)


def _write(picture: Image.Image, place: tuple[int, int], words: str, ink: tuple[int, int, int]) -> None:
    """Writes letters with soft edges, as screens do: Pillow's own bitmap font, enlarged threefold, then halved."""
    font = ImageFont.load_default_imagefont()
    _, _, width, height = (int(side) for side in font.getbbox(words))
    mask = Image.new("L", (width + width % 2, height + height % 2))
    ImageDraw.Draw(mask).text((0, 0), words, fill=255, font=font)
    mask = mask.resize((3 * mask.width, 3 * mask.height), Image.Resampling.NEAREST).reduce(2)
    picture.paste(ink, place, mask)


def tensor(pixels: Pixels) -> Tensor:
    """Returns pixels (H, W, 3) as (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None].contiguous() / 255


def pixels_of(image: Tensor) -> Pixels:
    """Returns (1, 3, H, W) in [0, 1], rounded to 8 bits, as pixels (H, W, 3)."""
    levels: Pixels = (255 * image[0].permute(1, 2, 0).clamp(0, 1)).round().byte().numpy()
    return levels


def _of_file(x: Tensor, file: bytes, suffix: str = ".png") -> Photo:
    return Photo(x, tensor(_pixels(file)), file, suffix)


def _pixels(file: bytes) -> Pixels:
    with Image.open(io.BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGB"))


def _jpeg(pixels: Pixels, quality: int, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def png(pixels: Pixels) -> bytes:
    """Returns pixels (H, W, 3) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
