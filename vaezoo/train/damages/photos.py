"""Random damages of photos as cameras, phones and messengers write them: a noisy file and its clean image.

The mixture, in shares of patches:

- `CAMERAS`: a camera (`vaezoo.image.damage.camera`);
- `NOISES`: added noise: white or coloured, equal or different in the channels, fine or coarse, with or without JPEG
after it;
- `JPEGS`: JPEG only;
- the rest is clean, and must be left as it is.

`vaezoo.image.damage.degradations` damages single images for measurements.

Sources: Unprocessing (Brooks et al., 2019), CBDNet (Guo et al., 2019), CycleISP (Zamir et al., 2020), and the
practical degradations of SCUNet (Zhang et al., 2022): noise of full covariance, resizing and JPEG in random order.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from vaezoo.image.chroma import split_luma
from vaezoo.image.compression.quantisation import expected_error
from vaezoo.image.damage.camera import Camera, blurred, saved, take
from vaezoo.image.damage.noise import local_level, mean_around
from vaezoo.image.resize import resize
from vaezoo.train.recipe import DataRecipe

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Cut = Callable[[int], Pixels]
"""Function from a side to a random region (side, side, 3) of an image."""

CAMERAS, NOISES, JPEGS = 0.43, 0.41, 0.06
"""Shares of the kinds of damage. The rest is clean."""
DRAWN = 0.25
"""Share of clean and JPEG patches that are drawings: flat areas, lines, letters."""
GRAINY = 0.35
"""Share of the told patches whose target has noise of the same kind. Only the told part is to be removed."""
OVERTOLD, MOST = 0.65, 4.0
"""Share of the others that are told a level above the true one, and the largest ratio of the two."""
TOLERATED = 2.0
"""Ratio of told and true level above which the target is `smoothed`. Below, one level serves for many images."""
REACH = 6
"""Number of pixels to each side that `smoothed` reads."""
MARGIN = 12
"""Number of pixels around a patch that its damage may read."""


class Pair(NamedTuple):
    """A training pair.

    Attributes:
        y: Input of the model, (1, 3, P, P).
        x: Target, of the same shape.
        told: Noise level for the model, (1, 1, P, P), in units of the pixel value; NaN if it is told none.
    """

    y: Tensor
    x: Tensor
    told: Tensor


def draw_pair(
    cut: Cut, largest: int, rng: np.random.Generator, data: DataRecipe, *, cameras_alone: bool = False
) -> Pair:
    """Draws a patch and its damage.

    Args:
        cut: Function that returns a random region of an image, for a side up to ``largest``.
        largest: Largest side of a region, in pixels.
        rng: Random generator.
        data: Settings: side of the patch, and shares of gray and of told patches.
        cameras_alone: Whether to leave out added noise, JPEG only and clean patches.
    """
    kind, told = rng.random(), bool(rng.random() < data.told)
    grainy = told and rng.random() < GRAINY
    if cameras_alone or kind < CAMERAS:
        y, x = _camera(cut, largest, rng, data.patch, grainy)
    elif kind < CAMERAS + NOISES:
        y, x = _noise(_levels(cut(data.patch)), rng, grainy)
    else:
        drawn = rng.random() < DRAWN
        x = _levels(drawing(data.patch, rng) if drawn else cut(data.patch))
        y = _jpeg(x, rng, 40) if kind < CAMERAS + NOISES + JPEGS else x
    if rng.random() < data.gray_share:
        y, x = _gray(y), _gray(x)
    if not told:
        return Pair(y, x, torch.full_like(x[:, :1], torch.nan))
    level = told_level(y - x, rng)
    if not grainy and rng.random() < OVERTOLD:
        times = rng.uniform(1, MOST)
        excess = math.sqrt(max((times / TOLERATED) ** 2 - 1, 0))
        return Pair(y, smoothed(x, level * excess) if excess else x, level * times)
    return Pair(y, x, level)


def smoothed(x: Tensor, level: Tensor) -> Tensor:
    """Removes what is weaker than a level: texture fades, edges stay.

    This is what can be known under noise of that level. It teaches a model to follow the level that it is told, even
    where that exceeds the noise in its input.

    Args:
        x: Images (1, C, H, W).
        level: Level (1, 1, H, W), in units of the pixel value.

    Source: Guided Image Filtering (He et al., 2013), section 3.1. Each channel is guided by itself.
    """
    mean, square = mean_around(x, REACH), mean_around(x * x, REACH)
    variance = (square - mean * mean).clamp_min(0)
    slope = variance / (variance + level * level).clamp_min(1e-8)
    return mean_around(slope, REACH) * x + mean_around((1 - slope) * mean, REACH)


def draw_saved(cut: Cut, largest: int, rng: np.random.Generator, data: DataRecipe) -> Pair:
    """Draws a patch of a JPEG file. The arguments are those of `draw_pair`.

    Three files in ten have a quality of 90 to 100, one in ten was not saved as JPEG, and one in ten was saved twice. A
    quarter was cropped afterwards. The told level is `expected_error` of the last file's table, or 0 for a clean patch.
    """
    drawn, crop = rng.random() < 0.06, int(rng.integers(8, size=2).max()) if rng.random() < 0.25 else 0
    side = data.patch + 8
    x = _levels(drawing(side, rng) if drawn else cut(side))
    x = _gray(x) if rng.random() < data.gray_share else x
    told, error = bool(rng.random() < data.told), 0.0
    y = x
    if rng.random() >= 0.1:
        low, high = data.quality
        qualities = [round(rng.uniform(max(low, 90), high) if rng.random() < 0.3 else rng.uniform(low, high))]
        if rng.random() < 0.1:
            qualities = [round(rng.uniform(low, high)), *qualities]
        y = saved(x, qualities, "4:2:0" if rng.random() < 0.5 else "4:4:4")
        error = expected_error(table_of(qualities[-1])) / 255
    y, x = (v[..., crop : crop + data.patch, crop : crop + data.patch] for v in (y, x))
    return Pair(y, x, torch.full_like(x[:, :1], error if told else torch.nan))


@functools.lru_cache(maxsize=128)
def table_of(quality: int) -> tuple[int, ...]:
    """Returns libjpeg's luma table, 64 steps, for a quality."""
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        return tuple(picture.quantization[0])  # type: ignore[attr-defined]


def draw_camera(rng: np.random.Generator, smallest: float = 0.5) -> Camera:
    """Draws a camera. The code is the only place that lists its ranges.

    Args:
        rng: Random generator.
        smallest: Smallest factor of its resizing.
    """
    shot = math.exp(rng.uniform(math.log(1e-4), math.log(3e-2)))
    read = math.exp(2.18 * math.log(shot) + 1.20 + rng.normal(0, 0.9))
    reduces_luma, reduces_chroma, blotches = rng.random() < 0.75, rng.random() < 0.85, rng.random() < 0.3
    smallest = smallest if rng.random() < 0.4 else 1.0
    resizing = math.exp(rng.uniform(math.log(smallest), math.log(2))) if rng.random() < 0.6 else 1.0
    qualities = tuple(_quality(rng, 60) for _ in range(1 + (rng.random() < 0.15))) if rng.random() < 0.75 else ()
    return Camera(
        shot=shot,
        read=read,
        red=rng.uniform(1.3, 2.5),
        blue=rng.uniform(1.3, 2.2),
        lens=rng.uniform(0, 0.9),
        exposure=rng.uniform(0.5, 1),
        matrix=_matrix(rng),
        phase=(int(rng.integers(2)), int(rng.integers(2))),
        demosaic="bilinear" if rng.random() < 0.25 else "malvar",
        tone=bool(rng.random() < 0.5),
        luma_blur=math.exp(rng.uniform(math.log(0.4), math.log(2))) if reduces_luma else 0.0,
        luma_kept=rng.uniform(0, 0.4),
        chroma_blur=math.exp(rng.uniform(math.log(0.8), math.log(6))) if reduces_chroma else 0.0,
        chroma_kept=rng.uniform(0, 0.2),
        adapts=math.exp(rng.uniform(math.log(2), math.log(20))) if rng.random() < 0.6 else 0.0,
        blotch=rng.uniform(0, 0.35) if blotches else 0.0,
        blotch_blur=math.exp(rng.uniform(math.log(1.5), math.log(8))),
        sharpen=rng.uniform(0.2, 0.8) if rng.random() < 0.35 else 0.0,
        resize=resizing,
        qualities=qualities,
        subsampling="4:2:0" if rng.random() < 0.55 else "4:4:4",
    )


def _matrix(rng: np.random.Generator) -> tuple[tuple[float, float, float], ...]:
    """Draws a colour matrix. Each row subtracts some of the two other colours and sums to 1."""
    amount = rng.random()
    rows = []
    for colour in range(3):
        row = -amount * rng.uniform(0, 0.5, 3)
        row[colour] += 1 - row.sum()
        rows.append((float(row[0]), float(row[1]), float(row[2])))
    return tuple(rows)


def _camera(cut: Cut, largest: int, rng: np.random.Generator, patch: int, grainy: bool) -> tuple[Tensor, Tensor]:
    wanted = patch + MARGIN
    camera = draw_camera(rng, min(1.0, max(0.5, wanted / (largest - 1))))
    side = min(largest, math.ceil(wanted / camera.resize))
    x = _levels(cut(side))
    noise, grain = _normal(rng, (1, 1, side, side)), None
    if grainy:
        grain = _normal(rng, (1, 1, side, side)) * rng.uniform(0.3, 1.5)
    photo = take(x, camera, noise, grain)
    top, left = (int(rng.integers(extent - patch + 1)) for extent in photo.x.shape[2:])
    return tuple(v[..., top : top + patch, left : left + patch] for v in photo)  # type: ignore[return-value]


@final
@dataclass(frozen=True)
class Noise:
    """Noise to add to values: its level, colours and grain, and its dependence on light.

    Attributes:
        sigma: Standard deviation, in units of the pixel value.
        mix: Matrix (3, 3) that mixes the channels, with rows of norm 1.
        blur: Standard deviation, in pixels, of the Gaussian that makes the noise coarser. 0 gives white noise.
        enlarged: Side, in pixels, of a cell of the noise, which is drawn smaller and enlarged.
        light: Share of the variance that grows with the light.
    """

    sigma: float
    mix: Tensor
    blur: float = 0.0
    enlarged: float = 1.0
    light: float = 0.0

    def draw(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """Draws noise for an image (1, 3, H, W)."""
        height, width = (math.ceil(side / self.enlarged) + 2 for side in x.shape[2:])
        noise = torch.einsum("ij,bjhw->bihw", self.mix, _normal(rng, (1, 3, height, width)))
        if self.enlarged > 1:
            noise = resize(noise, (round(height * self.enlarged), round(width * self.enlarged)))
        noise = blurred(noise, self.blur)[..., : x.shape[2], : x.shape[3]]
        if self.enlarged > 1 or self.blur:
            noise = noise / noise.square().mean().sqrt().clamp_min(1e-6)
        return noise * (self.sigma * ((1 - self.light) + 2 * self.light * x.clamp(0, 1)).sqrt())


def draw_noise(rng: np.random.Generator) -> Noise:
    """Draws noise of 0 to 55 grey levels. Six in ten are white, independent in the channels and of the light."""
    sigma = 55 * rng.random() ** 1.6 / 255
    if rng.random() < 0.6:
        return Noise(sigma, torch.eye(3))
    colours, grain = rng.random(), rng.random()
    if colours < 0.3:
        mix = torch.zeros(3, 3)
        mix[:, 0] = 1
    elif colours < 0.6:
        mix = torch.eye(3)
    else:
        mix = F.normalize(torch.from_numpy(rng.standard_normal((3, 3)).astype(np.float32)), dim=1)
    blur = rng.uniform(0.3, 2.0) if grain < 0.45 else 0.0
    enlarged = math.exp(rng.uniform(math.log(1.2), math.log(6))) if grain > 0.75 else 1.0
    sigma = min(sigma, 15 / 255) if enlarged > 2 else sigma
    return Noise(sigma, mix, blur, enlarged, rng.random() if rng.random() < 0.35 else 0.0)


def _noise(x: Tensor, rng: np.random.Generator, grainy: bool) -> tuple[Tensor, Tensor]:
    noise = draw_noise(rng)
    x = x + noise.draw(x, rng) * rng.uniform(0.3, 1.5) if grainy else x
    y = x + noise.draw(x, rng)
    kind = rng.random()
    if kind < 0.35:
        return _jpeg(y, rng, 50), x
    return (saved(y.clamp(0, 1)) if kind < 0.5 else y), x


def _jpeg(y: Tensor, rng: np.random.Generator, lowest: int) -> Tensor:
    return saved(y.clamp(0, 1), (_quality(rng, lowest),), "4:2:0" if rng.random() < 0.55 else "4:4:4")


def _quality(rng: np.random.Generator, lowest: int) -> int:
    """Draws a JPEG quality up to 99. Higher ones are more frequent."""
    return round(lowest + (99 - lowest) * rng.random() ** 0.7)


def told_level(noise: Tensor, rng: np.random.Generator) -> Tensor:
    """Returns the root mean square of noise (1, 3, P, P): in six cases of ten a single number, else for each pixel."""
    if rng.random() < 0.6:
        return noise.square().mean().sqrt().expand(1, 1, *noise.shape[2:])
    return local_level(noise)


def drawing(side: int, rng: np.random.Generator) -> Pixels:
    """Draws an image like a screenshot, (side, side, 3): flat areas, lines, letters, a gradient."""

    def colour() -> tuple[int, ...]:
        return tuple(int(v) for v in rng.integers(0, 256, 3)) if rng.random() < 0.7 else (int(rng.integers(256)),) * 3

    picture = Image.new("RGB", (side, side), (255, 255, 255) if rng.random() < 0.4 else colour())
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(1, 7))):
        left, top = (int(v) for v in rng.integers(0, side, 2))
        right, bottom = left + int(rng.integers(2, side)), top + int(rng.integers(2, side))
        kind = rng.random()
        if kind < 0.4:
            pen.rectangle((left, top, right, bottom), fill=colour(), outline=colour() if rng.random() < 0.5 else None)
        elif kind < 0.6:
            pen.line((left, top, right, bottom), fill=colour(), width=int(rng.integers(1, 5)))
        elif kind < 0.75:
            pen.ellipse((left, top, right, bottom), fill=colour())
        else:
            ink, line = colour(), int(rng.integers(10, 18))
            for row in range(int(rng.integers(1, 9))):
                letters = "".join(chr(int(v)) for v in rng.integers(33, 126, 24))
                pen.text((left % 20, top + row * line), letters, fill=ink)
    return np.asarray(picture)


def _gray(x: Tensor) -> Tensor:
    return split_luma(x)[0].expand_as(x)


def _levels(region: Pixels) -> Tensor:
    """Converts a region (H, W, 3), which may be turned or read-only, to (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(region.astype(np.float32, order="C")).permute(2, 0, 1)[None].contiguous().div_(255)


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, np.float32))
