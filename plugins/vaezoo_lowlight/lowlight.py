"""Brightening a photo that was taken too dark: sets the exposure of the whole image, then removes the visible noise."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar, final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.image import low_light, noise_level, to_linear
from vaezoo.restore import (
    Example,
    Model,
    Progress,
    Restoration,
    Restorer,
    Task,
    check_level,
    load_model,
    make_task,
    root_mean_square,
)

DENOISER = "denoise.open"
"""Weights that remove the noise. They are told its level."""
SIDE = 64
"""Side in pixels of the thumbnail for the model: that of its training patches."""
DRAWS = 16
"""Number of exposures drawn for the standard deviation, unless samples are requested."""
STEP = 1 / 255
"""Step to both sides for measuring the slope of the curve."""


@final
@dataclass(frozen=True)
class Lowlight(Task):
    """Gives a dark photo the exposure that was probably intended, and removes the noise that becomes visible.

    The model is told a thumbnail of the whole image, so all tiles have one exposure. Samples are other plausible
    exposures. The standard deviation is √(a² + b² + c²), of samples (a), of the curve (b) and of the noise (c): as the
    denoiser predicts it, or all of it if the noise is left.

    The noise of the brightened image varies with position: it is that of the dark image, told or estimated, times the
    slope of the tone curve. The slope is measured by asking the model for slightly more and less. The denoiser is told
    the result.

    Attributes:
        denoise: Whether to remove the noise that brightening makes visible.
        sigma: Noise level of the dark image in grey levels, if known. A standard deviation in units of 1/255.

    Raises:
        ShapeError: The noise level is negative or not finite.
    """

    denoise: bool = True
    sigma: float | None = None

    name: ClassVar[str] = "lowlight"
    model: ClassVar[str] = "lowlight"
    data: ClassVar[str] = "kodak24"
    word: ClassVar[str] = "light"
    unit: ClassVar[str] = "share of the light"
    levels: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.4)
    protocol: ClassVar[str] = (
        "a share of 0.1, 0.2, 0.4 of the linear light, noise of a camera (4000 electrons in white, read with 3) "
        "seeded by the picture's index, rounded to 8 bits, output clipped, RGB over all pixels"
    )
    also: ClassVar[tuple[str, ...]] = (DENOISER,)

    def __post_init__(self) -> None:
        check_level(self.sigma)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.Task.restore`.

        ``facts["gain"]`` is the mean factor by which the light increases. ``facts["noise_levels"]`` is the noise of the
        dark image, told or estimated, in grey levels.

        Raises:
            ConfigError: The model does not take the whole image as a condition.
        """
        if "whole" not in restorer.takes:
            takes = ", ".join(restorer.takes) or "nothing"
            raise ConfigError(
                f"Expected a model that takes a thumbnail of the whole image, but this one takes {takes}.",
                hint="Use the model lowlight.",
                value=restorer.takes,
            )
        sampler = restorer.other(samples=restorer.samples or DRAWS)
        whole = {"whole": F.adaptive_avg_pool2d(y, SIDE)}
        lit = sampler(y, progress, whole=whole)
        noise = 255 * noise_level(y) if self.sigma is None else float(self.sigma)
        image, scale = lit.image, lit.scale
        average = lit.average if restorer.samples else None
        if restorer.detail:
            average = restorer(y, whole=whole).average
        plain = restorer.other(self_ensemble=False)
        more, less = (plain(y + step, whole=whole).image for step in (STEP, -STEP))
        told = noise * root_mean_square((more - less) / (2 * STEP))
        left: Tensor | None = told / 255
        if self.denoise:
            denoiser, cleaner = restorer.other(_denoiser()), make_task("denoise", sigma=told[0, 0])
            clean = cleaner.restore(denoiser, image, progress)
            image, left = clean.image, clean.scale
            if average is not None:
                average = cleaner.restore(denoiser, average).image
        for part in (lit.spread, left):
            scale = scale if scale is None or part is None else torch.hypot(scale, part.expand_as(scale))
        gain = to_linear(image).mean() / to_linear(y.clamp(0, 1)).mean().clamp_min(1e-6).cpu()
        return Restoration(
            image,
            scale,
            lit.tile,
            {"gain": round(gain.item(), 2), "noise_levels": round(noise, 2)},
            average,
            lit.spread if restorer.samples else None,
        )

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.Task.example`: less light, noise of a camera, 8 bits. The task is told nothing."""
        return Example(x, low_light(x, level, seed=index), cls())


@functools.lru_cache(maxsize=1)
def _denoiser() -> Model:
    """Returns the denoiser. It is kept, since loading takes as long as restoring a small image."""
    return load_model(DENOISER)
