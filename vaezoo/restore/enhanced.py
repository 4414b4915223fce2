"""One call from any kind of image to a better one of the same kind, with its uncertainty."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaezoo.errors import ConfigError
from vaezoo.image.convert import open_image
from vaezoo.restore.interval import Interval, find_calibration, interval_of
from vaezoo.restore.restorer import Model, Restorer, root_mean_square
from vaezoo.zoo.calibration import Calibration


@dataclass(frozen=True)
class Enhanced:
    """An enhanced image.

    Attributes:
        image: Of the same kind as the input; a `vaezoo.image.Picture` where that was a path.
        uncertainty: Standard deviation of the clean image around the model's, (H, W) float32, in units of the
            pixel value in [0, 1]: root mean square over channels. None where the model states none. It is the
            model's own, whatever ``strength``.
        scale: The same per channel, (H, W, C).
        seconds: Wall-clock time of the model, without files.
        tile: The tile side that was used, pixels.
        device: Where the model ran.
        restored: The model's own image, (H, W, C) float32 in [0, 1], whatever ``strength``: the middle of intervals.
        calibration: Of the weights, where their card has one.
    """

    image: Any
    uncertainty: np.ndarray | None
    scale: np.ndarray | None
    seconds: float
    tile: int
    device: str
    restored: np.ndarray
    calibration: Calibration | None = None

    @property
    def sd(self) -> np.ndarray:
        """The standard deviation per channel, (H, W, C): ``scale`` times the calibration's factor where there is one.

        Raises:
            ConfigError: The model states none.
        """
        return self._stated() * np.float32(1 if self.calibration is None else self.calibration.factor)

    def interval(self, level: float = 90, *, over: str = "pixels") -> Interval:
        """Returns where the clean values lie, around ``restored``; see `vaezoo.restore.interval.interval_of`.

        Raises:
            ConfigError: The model states no standard deviation, the level is not to be had, or there is no calibration
                and ``over`` needs one.
        """
        return interval_of(self.restored, self._stated(), self.calibration, level, over)

    def _stated(self) -> np.ndarray:
        if self.scale is None:
            raise ConfigError(
                "The model states no uncertainty.", hint="Choose another, such as denoise.", value=self.scale
            )
        return self.scale


def enhance(
    image: Any,
    *,
    model: str | Model = "denoise",
    tile: int | None = None,
    strength: float = 1.0,
    device: str | torch.device | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Enhanced:
    """Enhances one image of any size and kind.

    Args:
        image: A path, `vaezoo.image.Picture`, PIL image, array or tensor, as `vaezoo.image.open_image` takes
            it. Alpha passes through untouched.
        model: A model's name, or the model itself, which saves loading it again.
        tile: The largest side of a tile, pixels; None for 768, less when memory runs out.
        strength: 0 leaves the image as it is, 1 is the model's result, between them a mixture.
        device: Such as ``"cpu"``; None for where a given model is, or a GPU where there is one.
        progress: Called with the tiles done and their number.

    Raises:
        ImageError: The image cannot be used; a `ShapeError` where its shape, dtype or range is the reason.
        ConfigError: ``strength`` is outside [0, 1], or the device or tile cannot be used.
        UnknownName: No model has this name.
    """
    return enhance_with(
        Restorer(load_model(model) if isinstance(model, str) else model, tile=tile, device=device),
        image,
        strength=strength,
        progress=progress,
    )


def enhance_with(
    restorer: Restorer,
    image: Any,
    *,
    strength: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> Enhanced:
    """Enhances one image with a restorer that is ready; the rest is as in `enhance`."""
    if not 0 <= strength <= 1:
        raise ConfigError(f"Strength is 0 to 1, not {strength}.", value=strength)
    y, close = open_image(image)
    start = time.perf_counter()
    x_hat, scale, tile = restorer(y, progress)
    seconds = time.perf_counter() - start
    return Enhanced(
        image=close(x_hat if strength == 1 else torch.lerp(y, x_hat, strength)),
        uncertainty=None if scale is None else root_mean_square(scale)[0, 0].numpy(),
        scale=None if scale is None else scale[0].permute(1, 2, 0).numpy(),
        seconds=seconds,
        tile=tile,
        device=str(restorer.device),
        restored=x_hat[0].permute(1, 2, 0).numpy(),
        calibration=find_calibration(restorer.model),
    )


def load_model(name: str, weights: Path | None = None) -> Model:
    """Returns the named model with its trained weights, or those of a file, on a GPU where there is one.

    Raises:
        UnknownName: No model has this name.
        WeightsError: Its weights cannot be had or trusted.
    """
    import vaezoo

    model = vaezoo.create(name, pretrained=weights or True)
    return model.to("cuda") if torch.cuda.is_available() else model
