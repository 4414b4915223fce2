"""A simulated camera: from a clean image to the noisy file that a camera or phone would write.

Each step is a field of `Camera`. The image is converted to what a sensor sees behind its colour filters, gets photon
noise and read noise, and is developed again as cameras do. So the noise is coarser than a pixel, different in each
colour, and stronger in shadows, unlike that of `vaezoo.image.gaussian_noise`.

`vaezoo.train.damages.photos` draws random cameras for training.
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
"""Range of `Camera.resize`."""


@final
@dataclass(frozen=True)
class Camera:
    """Settings of a simulated camera.

    Attributes:
        shot: Factor a of the noise variance a·s + b, where s is the signal of a filtered sensor cell, white at 1.
        read: Constant b of the noise variance.
        red: White balance of red: amplification of red cells relative to green ones.
        blue: White balance of blue, likewise.
        lens: Standard deviation, in pixels, of the Gaussian for the lens and the filter before the sensor.
        exposure: Signal as a share of full scale. The photo is brightened accordingly, with its noise.
        matrix: Colour matrix from the sensor's colours to linear sRGB: three rows of three, each with sum 1.
        phase: Offset, 0 or 1 down and to the right, of the filters' 2×2 pattern (red, green; green, blue).
        demosaic: Method that fills in missing colours: ``bilinear`` or ``malvar``.
        tone: Whether the tone curve 3v² − 2v³ is applied after sRGB's.
        luma_blur: Standard deviation, in pixels, of the Gaussian by which noise reduction blurs the noise's luma.
        chroma_blur: The same for the noise's colours. The image itself stays sharp.
        luma_kept: Share of the noise's luma that noise reduction leaves as it is.
        chroma_kept: The same for its colours.
        adapts: Standard deviation of luma around a pixel, in grey levels, at which noise reduction is halved: cameras
            smooth flat areas and leave noise in texture. 0 means that they smooth all areas alike.
        blotch: Root mean square of coarse colour blotches, relative to that of the unreduced colour noise.
        blotch_blur: Standard deviation, in pixels, of the Gaussian that gives the blotches their size.
        sharpen: Amount of an unsharp mask, applied to image and noise. 0 means none.
        resize: Ratio of the photo's sides to those of the image.
        qualities: Qualities of the JPEG files that it is saved as, one after the other. Empty: 8 bits without loss.
        subsampling: Chroma subsampling of these files, ``4:2:0`` or ``4:4:4``.
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
    """A pair of noisy and clean photo, to train or measure denoising.

    Attributes:
        y: Noisy photo, (1, 3, H, W) in [0, 1].
        x: Photo without noise and JPEG, not rounded, of the same size.
    """

    y: Tensor
    x: Tensor


def camera_photo(x: Tensor, camera: Camera, seed: int) -> Photo:
    """Takes a photo of a clean image. For a seed it is the same on every machine.

    For the image x in sRGB, the light is M⁻¹·linear(tone⁻¹(x)) · exposure / gains, blurred by the lens. The cells
    behind the colour filters have signals m. Noise makes them m + √(a·m + b)·n for standard normal n, clipped at white.
    The cells with and without noise are developed: demosaiced, balanced, multiplied by M, clipped, and given the curve
    of sRGB and the tone. The difference is the photo's noise. After noise reduction it is added to the image, which
    then is sharpened, resized, and saved as JPEG or in 8 bits. So neither image of the pair has the false colours of
    demosaicing, which a model would take for noise to be kept.

    Args:
        x: Clean image (1, 3, H, W) in [0, 1], with sides of at least 8.
        camera: Settings of the camera.
        seed: Random seed of the noise.

    Raises:
        ShapeError: ``x`` is not such an image.

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
    """Takes a photo like `camera_photo`, with given noise.

    Args:
        x: Clean image (1, 3, H, W) in [0, 1].
        camera: Settings of the camera.
        noise: Standard normal noise n, (1, 1, H, W).
        grain: Grain, which is part of both images of the pair: a signal in units of the sensor's noise, of its shape;
            None for none.
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
    """Returns the light on the sensor in its own colours, (1, 3, H, W), with white at 1."""
    if camera.tone:
        x = 0.5 - torch.sin(torch.asin(1 - 2 * x.clamp(0, 1)) / 3)
    light = _mixed(to_linear(x), torch.linalg.inv(torch.tensor(camera.matrix))).clamp_min(0)
    gains = torch.tensor([camera.red, 1.0, camera.blue])[:, None, None]
    return blurred(light, camera.lens) * camera.exposure / gains


def develop(cells: Tensor, camera: Camera) -> Tensor:
    """Develops the signals of a sensor's cells, (1, 1, H, W), to an image (1, 3, H, W) in [0, 1]."""
    return finish(demosaic(cells, camera.phase, camera.demosaic), camera)


def finish(light: Tensor, camera: Camera) -> Tensor:
    """Converts the light on the sensor to sRGB, (1, 3, H, W) in [0, 1]: the inverse of `exposed`."""
    gains = torch.tensor([camera.red, 1.0, camera.blue])[:, None, None] / camera.exposure
    x = from_linear(_mixed(light * gains, torch.tensor(camera.matrix)).clamp_(0, 1))
    return x * x * (3 - 2 * x) if camera.tone else x


def textured(x: Tensor, half: float) -> Tensor:
    """Returns the amount of texture around each pixel, (1, 1, H, W) in [0, 1).

    It is v/(v + half²), where v is the local variance of luma.

    Args:
        x: Image (1, 3, H, W) in [0, 1].
        half: Standard deviation in grey levels at which the result is ½.
    """
    luma = 255 * split_luma(x)[0]
    mean = mean_around(luma, 3)
    variance = (mean_around(luma * luma, 3) - mean * mean).clamp_min(0)
    return variance / (variance + half**2)


def reduced(noise: Tensor, camera: Camera, texture: Tensor | None = None) -> Tensor:
    """Applies a camera's noise reduction to noise (1, 3, H, W): it becomes coarser, in particular its colours.

    Args:
        noise: Noise, as it was developed.
        camera: Settings of the camera.
        texture: Amount, (1, 1, H, W) in [0, 1], to which noise is left unchanged. None means nowhere.
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
    """Returns an image (1, 3, H, W) in [0, 1] after saving it as JPEG of each quality in turn, or in 8 bits."""
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
        cells: Signals (1, 1, H, W) behind a pattern of red, green; green, blue.
        phase: Offset of the pattern, 0 or 1 down and to the right.
        method: ``bilinear``, or ``malvar``, which corrects it by the gradient of the colour that is known.

    Returns:
        Image (1, 3, H, W), linear like the cells. Values may leave their range.

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
    """Returns kernels (4, 1, 5, 5): green at red or blue; a colour from its cells beside, above and diagonally."""
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
    """Returns each cell's row and column in the pattern."""
    return (torch.arange(height) + phase[0])[:, None] % 2, (torch.arange(width) + phase[1])[None] % 2


def _mosaic(light: Tensor, phase: tuple[int, int]) -> Tensor:
    down, right = _positions(light.shape[2], light.shape[3], phase)
    return torch.gather(light, 1, (down + right).expand(1, 1, -1, -1))


def _mixed(light: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(light), light)


def _smoothed(noise: Tensor, sd: float, kept: float) -> Tensor:
    return noise if sd <= 0 or kept >= 1 else kept * noise + (1 - kept) * blurred(noise, sd)


def blurred(values: Tensor, sd: float) -> Tensor:
    """Blurs values (B, C, H, W) by a Gaussian of a standard deviation in pixels. Edges are repeated."""
    reach = min(math.ceil(3 * sd), *(side - 1 for side in values.shape[2:]))
    if sd <= 0 or reach < 1:
        return values
    offsets = torch.arange(-reach, reach + 1, dtype=values.dtype)
    kernel = torch.exp(-0.5 * (offsets / sd) ** 2)
    kernel = (kernel / kernel.sum())[None, None]
    rows = F.pad(values.flatten(0, 1)[:, None], (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(F.conv2d(rows, kernel[..., None]), kernel[:, :, None])
    return rows.view(*values.shape)
