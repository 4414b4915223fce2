"""The suites of `benchmarks.photos`: which photos, which methods, and what is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from torch import Tensor

from benchmarks.photo import sets as photo_sets
from benchmarks.photo.flat import DEVIATION, flat_blocks, luma_chroma, noise_left
from benchmarks.photo.methods import Answer
from benchmarks.photo.sets import CAMERAS, JPEG_NOISES, JPEG_QUALITIES, Photo, Source, small_jpeg, small_noisy
from vaezoo.evaluate import coverage
from vaezoo.image import psnr_db, ssim

UNCHANGED_DB = 99.0
"""PSNR that is recorded where no value changed, since the true one is infinite."""
STRENGTHS = (0.0, 0.5, 1.0, 2.0, 3.0)
SIGMAS = (15.0, 25.0, 50.0)
Score = Callable[[Photo, Answer], dict[str, float]]


@final
@dataclass(frozen=True)
class Suite:
    """Photos of one kind, and what is measured on them.

    Attributes:
        name: What the records call it.
        part: What the command line calls it, alone or with others.
        pictures: How many there are.
        source: Gives them.
        methods: Names of those that are measured.
        score: From a photo and an answer to the values that are kept.
        levels: Of the damage, or of what the methods are told; (0,) where there is none.
    """

    name: str
    part: str
    pictures: int
    source: Source
    methods: tuple[str, ...]
    score: Score
    levels: tuple[float, ...] = (0.0,)


def closeness(photo: Photo, answer: Answer) -> dict[str, float]:
    """Returns the PSNR of a result.

    Where a file goes in, the result is rounded to 8 bits as the file that comes out, whatever the method.
    """
    return {"psnr_db": _psnr(_stored(photo, answer), photo.x)}


def honesty(photo: Photo, answer: Answer) -> dict[str, float]:
    """Returns PSNR as `closeness` does, SSIM, and how honest the sd is where one is stated.

    Sd and interval are of the result before it is rounded.
    """
    values = closeness(photo, answer) | {"ssim": ssim(_stored(photo, answer), photo.x).item()}
    if answer.sd is None or answer.middle is None:
        return values
    error = answer.middle - photo.x
    values |= {f"coverage_{percent}": share for percent, share in coverage(error, answer.sd).items()}
    values["sd_levels"] = 255 * answer.sd.double().square().mean().sqrt().item()
    values["rmse_levels"] = 255 * error.double().square().mean().sqrt().item()
    if answer.interval is not None:
        lower, upper = answer.interval
        values["interval_90"] = ((photo.x >= lower) & (photo.x <= upper)).double().mean().item()
    return values


def faithfulness(photo: Photo, answer: Answer) -> dict[str, float]:
    """Returns how far a clean picture was changed: PSNR to it, and the largest changes of its colours.

    Nothing is rounded here.
    ``chroma_levels`` is the largest change of Cb or Cr over all pixels, ``fringe_levels`` that over the pixels that
    were gray, both in grey levels; the latter is 0 where none was gray.
    """
    x_hat = answer.image.clamp(0, 1)
    change = 255 * luma_chroma(x_hat - photo.x)[:, 1:].abs().amax(1)
    gray = (photo.x == photo.x[:, :1]).all(1)
    return {
        "psnr_db": _psnr(x_hat, photo.x),
        "chroma_levels": change.max().item(),
        "fringe_levels": change[gray].max().item() if bool(gray.any()) else 0.0,
    }


def flatness(photo: Photo, answer: Answer) -> dict[str, float]:
    """Returns the noise that is left on flat blocks, and what a result that is even in each of them would have."""
    flat = flat_blocks(photo.x)
    left = noise_left(answer.image - photo.x, flat)
    least = noise_left(-photo.x, flat)
    return left | {f"least_{name}": value for name, value in least.items()}


def _stored(photo: Photo, answer: Answer) -> Tensor:
    """Returns a result as it is kept: clipped, and in 8 bits where a file went in."""
    x_hat = answer.image.clamp(0, 1)
    return (255 * x_hat).round() / 255 if photo.file else x_hat


def _psnr(x_hat: Tensor, x: Tensor) -> float:
    return min(UNCHANGED_DB, psnr_db(x_hat, x).item())


_OWN = ("open", "small", "photo", "enhance")
_REAL = ("input", "nlm", "nlm-plain", "bm3d", "ffdnet", "dejpeg", "open", "open-quarters", "small", "photo")
_REAL += ("photo-quarters", "photo-told", "enhance", "enhance-told")
CC15 = Suite("cc15", "cc15", 15, photo_sets.real, _REAL, honesty)
STRENGTH = Suite(
    f"strength:cc15-flat-{DEVIATION}", "strength", 10, photo_sets.real_flat, ("strength",), flatness, STRENGTHS
)
JPEG = {
    sigma: Suite(
        f"noise-{sigma}-jpeg:kodak24", "jpeg", 24, photo_sets.noisy_jpeg(sigma), ("input", "dejpeg", *_OWN), closeness,
        JPEG_QUALITIES,
    )
    for sigma in JPEG_NOISES
}  # fmt: skip
PHONE = {
    name: Suite(f"{name}:kodak24", "phone", 24, photo_sets.phone(name), ("input", *_OWN), closeness) for name in CAMERAS
}
CLEAN = Suite("clean:cid22-valid", "clean", 41, photo_sets.clean("cid22-valid"), _OWN, faithfulness)
SCREENS = Suite("clean:screens", "clean", 3, photo_sets.screens, _OWN, faithfulness)
WHITE = Suite(
    "white:kodak24",
    "white",
    24,
    photo_sets.white("kodak24"),
    ("input", "open", "small", "photo", "enhance-floats"),
    closeness,
    SIGMAS,
)
_SMALL = ("bicubic", "sr", "cleaned-sr", "sr-photo")
SMALL = {
    kind: Suite(f"small-{kind}:kodak24", "small", 24, photo_sets.each("kodak24", make), _SMALL, closeness, levels)
    for kind, make, levels in (("jpeg", small_jpeg, (40.0, 75.0)), ("noise", small_noisy, (10.0,)))
}
SUITES = (CC15, STRENGTH, *JPEG.values(), *PHONE.values(), CLEAN, SCREENS, WHITE, *SMALL.values())
PARTS = tuple(dict.fromkeys(suite.part for suite in SUITES))
