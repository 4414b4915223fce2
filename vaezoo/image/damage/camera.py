"""A camera as a damage: from a clean picture to the noisy file that a camera or phone would write of it.

The steps, each a field of `Camera`: the picture is turned back into what a sensor sees behind its colour filters, gets
the noise of counting photons and of reading them out, and is developed again as cameras do. So the noise is coarser
than a pixel, other in each colour, and larger in the shadows; `vaezoo.image.gaussian_noise` is none of that.

Not here: how training draws cameras, which is in `vaezoo.train.damages.photos`.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.errors import ConfigError, ShapeError
from vaezoo.image.chroma import split_luma
from vaezoo.image.damage.light import from_linear, to_linear
from vaezoo.image.damage.noise import mean_around
from vaezoo.image.resize import resize

DEMOSAICS = ("bilinear", "malvar")
SHRINKS, GROWS = 0.25, 4.0
"""The range of `Camera.resize`."""


@final
@dataclass(frozen=True)
class Camera:
    """What happens to one photo between the light and the file.

    Attributes:
        shot: a of the noise's variance a·s + b, s the signal of a filtered sensor cell, white at 1.
        read: b, the same.
        red: White balance: how many times as much the red cells are amplified as the green ones.
        blue: The same of the blue cells.
        lens: Standard deviation in pixels of the Gaussian that stands for the lens and the filter before the sensor.
        exposure: The signal's share of full scale; the photo is made as bright again, and its noise with it.
        matrix: The colour matrix from the sensor's colours to sRGB's linear ones, rows that sum to 1; three rows of
            three.
        phase: Where the filters' 2×2 pattern (red, green; green, blue) begins: 0 or 1, down and to the right.
        demosaic: How missing colours are filled in: ``bilinear`` or ``malvar``.
        tone: Whether the tone curve 3v² − 2v³ follows sRGB's.
        luma_blur: Standard deviation in pixels of the Gaussian that noise reduction blurs the luma's noise with.
        chroma_blur: The same for the colours' noise; the picture itself stays sharp.
        luma_kept: Share of the noise's luma that the reduction leaves as it is.
        chroma_kept: The same of its colours.
        adapts: Standard deviation of the picture's luma around a pixel, in grey levels, at which the reduction gives
            way by half: cameras smooth flat areas and leave noise in texture. 0: they smooth all alike.
        blotch: Coarse blotches of colour beside it: their root mean square over that of the colours' noise before.
        blotch_blur: Standard deviation in pixels of the Gaussian that gives the blotches their size.
        sharpen: Amount of an unsharp mask, of picture and noise alike; 0 for none.
        resize: Sides of the photo over those of the picture.
        qualities: Of the JPEG files that it is saved as, one after the other; none: 8 bits without loss.
        subsampling: Of their colours, ``4:2:0`` or ``4:4:4``.
    """

    shot: float = 2e-3
    read: float = 1e-5
    red: float = 2.0
    blue: float = 1.6
    lens: float = 0.0
    exposure: float = 1.0
    matrix: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    phase: tuple[int, int] = (0, 0)
    demosaic: str = "malvar"
    tone: bool = True
    luma_blur: float = 0.0
    chroma_blur: float = 0.0
    luma_kept: float = 0.0
    chroma_kept: float = 0.0
    adapts: float = 0.0
    blotch: float = 0.0
    blotch_blur: float = 5.0
    sharpen: float = 0.0
    resize: float = 1.0
    qualities: tuple[int, ...] = ()
    subsampling: str = "4:2:0"

    def __post_init__(self) -> None:
        if not (self.shot >= 0 and self.read >= 0):
            raise ConfigError(f"Expected noise of at least 0, got {self.shot} and {self.read}.", value=self.shot)
        if self.demosaic not in DEMOSAICS:
            message = f"Expected a demosaicing of {', '.join(DEMOSAICS)}, got {self.demosaic!r}."
            raise ConfigError(message, value=self.demosaic)
        if not SHRINKS <= self.resize <= GROWS:
            message = f"Expected a photo of {SHRINKS:g} to {GROWS:g} times the sides, got {self.resize}."
            raise ConfigError(message, value=self.resize)
        if any(not 1 <= quality <= 100 for quality in self.qualities):
            raise ConfigError(f"Expected JPEG qualities of 1 to 100, got {self.qualities}.", value=self.qualities)


class Photo(NamedTuple):
    """A pair to learn or measure denoising from.

    Attributes:
        y: The photo, (1, 3, H, W) in [0, 1].
        x: The same without its noise and JPEG, not rounded, of its size.
    """

    y: Tensor
    x: Tensor


def camera_photo(x: Tensor, camera: Camera, seed: int) -> Photo:
    """Takes a photo of a clean picture, the same on every machine for a seed.

    With the picture x in sRGB: the light M⁻¹·linear(tone⁻¹(x)) · exposure / gains, blurred by the lens; its cells m
    through the colour filters; m + √(a·m + b)·n for standard normal n, clipped at white. Cells with and without noise
    are developed: demosaiced, balanced, M·, clipped, sRGB's curve and tone. What differs is the photo's noise; it goes
    through noise reduction and is added to the picture, which then is sharpened, resized, and saved as JPEG or in
    8 bits. So neither of the pair has the false colours of demosaicing, which a model would take for noise to be kept.

    Args:
        x: (1, 3, H, W) in [0, 1], sides of at least 8.
        camera: What it goes through.
        seed: Random seed of the noise.

    Raises:
        ShapeError: ``x`` is no such picture.

    Source: Unprocessing Images for Learned Raw Denoising (Brooks et al., 2019), arXiv:1811.11127; noise through the
    camera and its JPEG: Toward Convolutional Blind Denoising of Real Photographs (Guo et al., 2019), arXiv:1807.04686;
    the noise: Practical Poissonian-Gaussian Noise Modeling (Foi et al., 2008).
    """
    if x.ndim != 4 or x.shape[:2] != (1, 3) or min(x.shape[2:]) < 8 or not x.is_floating_point():
        raise ShapeError(
            f"Expected one colour picture as floats (1, 3, H, W) of at least 8×8 pixels, got {x.dtype} "
            f"{tuple(x.shape)}.",
            value=tuple(x.shape),
        )
    noise = np.random.RandomState(seed).randn(*x.shape[2:]).astype(np.float32)
    return take(x, camera, torch.from_numpy(noise)[None, None].to(x))


def take(x: Tensor, camera: Camera, noise: Tensor, grain: Tensor | None = None) -> Photo:
    """Takes a photo as `camera_photo` does.

    Args:
        x: (1, 3, H, W) in [0, 1].
        camera: What it goes through.
        noise: n, standard normal, (1, 1, H, W).
        grain: Noise that belongs to the picture, in both of the pair: a signal in units of the sensor's noise, of
            noise's shape; None for none.
    """
    light = exposed(x, camera)
    clean, cells = finish(light, camera), _mosaic(light, camera.phase)
    deviation = (camera.shot * cells.clamp_min(0) + camera.read).sqrt()
    kept = cells if grain is None else cells + deviation * grain
    plain = develop(cells, camera)
    texture = textured(clean, camera.adapts) if camera.adapts else None
    noisy = clean + reduced(develop((kept + deviation * noise).clamp_max(1), camera) - plain, camera, texture)
    clean = clean if grain is None else clean + reduced(develop(kept, camera) - plain, camera, texture)
    if camera.sharpen:
        clean, noisy = (v + camera.sharpen * (v - blurred(v, 1.0)) for v in (clean, noisy))
    if camera.resize != 1:
        height, width = (max(1, round(side * camera.resize)) for side in x.shape[2:])
        clean, noisy = (resize(v, (height, width)) for v in (clean, noisy))
    return Photo(saved(noisy.clamp(0, 1), camera.qualities, camera.subsampling), clean.clamp(0, 1))


def exposed(x: Tensor, camera: Camera) -> Tensor:
    """Returns the light on the sensor in its own colours, (1, 3, H, W), white at 1."""
    if camera.tone:
        x = 0.5 - torch.sin(torch.asin(1 - 2 * x.clamp(0, 1)) / 3)
    light = _mixed(to_linear(x), torch.linalg.inv(torch.tensor(camera.matrix))).clamp_min(0)
    gains = torch.tensor([camera.red, 1.0, camera.blue])[:, None, None]
    return blurred(light, camera.lens) * camera.exposure / gains


def develop(cells: Tensor, camera: Camera) -> Tensor:
    """Returns a picture (1, 3, H, W) in [0, 1] from what a sensor's cells counted, (1, 1, H, W)."""
    return finish(demosaic(cells, camera.phase, camera.demosaic), camera)


def finish(light: Tensor, camera: Camera) -> Tensor:
    """Returns a picture in sRGB, (1, 3, H, W) in [0, 1], from the light on the sensor: the inverse of `exposed`."""
    gains = torch.tensor([camera.red, 1.0, camera.blue])[:, None, None] / camera.exposure
    x = from_linear(_mixed(light * gains, torch.tensor(camera.matrix)).clamp_(0, 1))
    return x * x * (3 - 2 * x) if camera.tone else x


def textured(x: Tensor, half: float) -> Tensor:
    """Returns how much texture is around each pixel, (1, 1, H, W) in [0, 1): v/(v + half²) of luma's local variance v.

    Args:
        x: (1, 3, H, W) in [0, 1].
        half: Grey levels.
    """
    luma = 255 * split_luma(x)[0]
    mean = mean_around(luma, 3)
    variance = (mean_around(luma * luma, 3) - mean * mean).clamp_min(0)
    return variance / (variance + half**2)


def reduced(noise: Tensor, camera: Camera, texture: Tensor | None = None) -> Tensor:
    """Returns noise (1, 3, H, W) as a camera's noise reduction leaves it: coarser, most of all in its colours.

    Args:
        noise: As it was developed.
        camera: Says how it is reduced.
        texture: Where it is left as it is, (1, 1, H, W) in [0, 1]; None: nowhere.
    """
    if not (camera.luma_blur or camera.chroma_blur or camera.blotch):
        return noise
    luma, chroma = split_luma(noise)
    left = _smoothed(luma, camera.luma_blur, camera.luma_kept)
    left = left + _smoothed(chroma, camera.chroma_blur, camera.chroma_kept)
    left = left if texture is None else torch.lerp(left, noise, texture)
    if camera.blotch:
        coarse = blurred(chroma, camera.blotch_blur)
        left = left + coarse * (camera.blotch * chroma.std() / coarse.std().clamp_min(1e-9))
    return left


def saved(y: Tensor, qualities: Sequence[int] = (), subsampling: str = "4:2:0") -> Tensor:
    """Returns a picture (1, 3, H, W) in [0, 1] after it was saved: as JPEG of each quality in turn, or in 8 bits."""
    from PIL import Image

    levels = (y[0].permute(1, 2, 0) * 255).round_().to(torch.uint8).numpy()
    for quality in qualities:
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "JPEG", quality=quality, subsampling=subsampling)
        levels = np.asarray(Image.open(file))
    return torch.from_numpy(levels.astype(np.float32)).permute(2, 0, 1)[None].div_(255)


def demosaic(cells: Tensor, phase: tuple[int, int] = (0, 0), method: str = "malvar") -> Tensor:
    """Fills in the colours that a sensor's filters left out.

    Args:
        cells: (1, 1, H, W), behind a pattern of red, green; green, blue.
        phase: Where the pattern begins, 0 or 1 down and to the right.
        method: ``bilinear``, or ``malvar``, which corrects it by the gradient of the colour that is there.

    Returns:
        (1, 3, H, W), linear as the cells are; values may leave their range.

    Source: High-Quality Linear Interpolation for Demosaicing of Bayer-Patterned Color Images (Malvar et al., 2004).
    """
    height, width = cells.shape[2:]
    found = F.conv2d(F.pad(cells, (2, 2, 2, 2), mode="reflect"), _filters(method).to(cells))
    green, beside, above, across = (found[:, i] for i in range(4))
    down, right = _positions(height, width, phase)
    at_red, at_blue = (down == 0) & (right == 0), (down == 1) & (right == 1)
    red_row, own = down == 0, cells[:, 0]
    red = torch.where(at_red, own, torch.where(at_blue, across, torch.where(red_row, beside, above)))
    blue = torch.where(at_blue, own, torch.where(at_red, across, torch.where(red_row, above, beside)))
    return torch.stack([red, torch.where(at_red | at_blue, green, own), blue], 1)


@functools.lru_cache(maxsize=2)
def _filters(method: str) -> Tensor:
    """Returns kernels (4, 1, 5, 5): green at red or blue; a colour from beside, above and across its own cells."""
    if method == "bilinear":
        plus = [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
        sides = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 2, 0, 2, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
        corners = [[0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]
        kernels = torch.tensor([plus, sides, sides, corners]).float() / 4
    else:
        plus = [[0, 0, -2, 0, 0], [0, 0, 4, 0, 0], [-2, 4, 8, 4, -2], [0, 0, 4, 0, 0], [0, 0, -2, 0, 0]]
        sides = [[0, 0, 1, 0, 0], [0, -2, 0, -2, 0], [-2, 8, 10, 8, -2], [0, -2, 0, -2, 0], [0, 0, 1, 0, 0]]
        corners = [[0, 0, -3, 0, 0], [0, 4, 0, 4, 0], [-3, 0, 12, 0, -3], [0, 4, 0, 4, 0], [0, 0, -3, 0, 0]]
        kernels = torch.tensor([plus, sides, sides, corners]).float() / 16
    kernels[2] = kernels[2].T.clone()
    return kernels[:, None]


def _positions(height: int, width: int, phase: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Returns each cell's place in the pattern, down and to the right."""
    return (torch.arange(height) + phase[0])[:, None] % 2, (torch.arange(width) + phase[1])[None] % 2


def _mosaic(light: Tensor, phase: tuple[int, int]) -> Tensor:
    down, right = _positions(light.shape[2], light.shape[3], phase)
    return torch.gather(light, 1, (down + right).expand(1, 1, -1, -1))


def _mixed(light: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(light), light)


def _smoothed(noise: Tensor, sd: float, kept: float) -> Tensor:
    return noise if sd <= 0 or kept >= 1 else kept * noise + (1 - kept) * blurred(noise, sd)


def blurred(values: Tensor, sd: float) -> Tensor:
    """Returns values (B, C, H, W) blurred by a Gaussian of a standard deviation in pixels; edges are repeated."""
    reach = min(math.ceil(3 * sd), *(side - 1 for side in values.shape[2:]))
    if sd <= 0 or reach < 1:
        return values
    offsets = torch.arange(-reach, reach + 1, dtype=values.dtype)
    kernel = torch.exp(-0.5 * (offsets / sd) ** 2)
    kernel = (kernel / kernel.sum())[None, None]
    rows = F.pad(values.flatten(0, 1)[:, None], (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(F.conv2d(rows, kernel[..., None]), kernel[:, :, None])
    return rows.view(*values.shape)
