"""Runs a model over one image of any size and channel count, in tiles if it is large.

This module works on tensors. Files and other kinds of images are in `vaezoo.restore.enhanced`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from vaezoo.core.machine.arithmetic import arithmetic, check_precision
from vaezoo.core.machine.device import find_device
from vaezoo.core.machine.memory import is_out_of_memory
from vaezoo.core.noise import Field, Noise
from vaezoo.errors import ConfigError, ImageError, ShapeError
from vaezoo.image.tile import Tiling, run_tiled
from vaezoo.restore.numbers import is_number, is_whole
from vaezoo.restore.views import other_views

_NEEDED = "channels", "stride", "size", "restore"
_MAPS = IMAGE, SCALE, AVERAGE, SPREAD = "image", "scale", "average", "spread"


class Model(Protocol):
    """Interface of a model that a restorer can run. Every `vaezoo.core.VAE` has it."""

    @property
    def channels(self) -> int:
        """Number of image channels."""

    @property
    def stride(self) -> int:
        """Number of pixels that tiles start at multiples of."""

    @property
    def size(self) -> tuple[int, int] | None:
        """The only (H, W) that the model takes; None for any size."""

    @property
    def restore(self) -> Callable[..., Any]:
        """Function from y (B, C, H, W) to an object with ``image`` and ``scale``; ``scale`` may be None.

        It receives ``cond`` if there are conditions, and ``samples`` and ``noise`` if samples are requested. Then the
        result also has ``average`` and ``spread``, as for `vaezoo.core.VAE.restore`. The result may be larger than y by
        a whole factor.
        """


class Restoration(NamedTuple):
    """A restored image with its uncertainty.

    Attributes:
        image: Restored image, (1, C, H, W) in [0, 1], on the host. It is larger by a whole factor if the model
            enlarges.
        scale: Predicted standard deviation of the error, of the same shape and unit; None if the model predicts none.
        tile: Side of the tiles, in pixels of the input. At least the longer side of an image that was not cut.
        facts: Further facts from the task. Their names include the unit.
        average: Mean of the samples, of the image's shape; None if none were requested.
        spread: Standard deviation of the samples, of the same shape, or None.
        mixed: Image for the user, if the task mixed it from ``image`` and others; None if it is ``image``.
        model: Model that restored the image, if the task chose another than the restorer's; else None.
    """

    image: Tensor
    scale: Tensor | None
    tile: int
    facts: Mapping[str, float] = MappingProxyType({})
    average: Tensor | None = None
    spread: Tensor | None = None
    mixed: Tensor | None = None
    model: Model | None = None


class Restorer:
    """Runs a model over images of any size.

    An image larger than a tile is cut into overlapping tiles (see `vaezoo.image.tile`). Only one tile at a time is on
    the device. The model is moved to the device and set to evaluation mode.

    Args:
        model: Model, such as a `vaezoo.core.VAE`.
        tile: Largest side of a tile, in pixels. None means 768, halved when memory runs out. A given number is never
            changed.
        device: Device, such as ``"cpu"`` or ``"cuda:0"``. None means the model's own.
        samples: Number of samples for ``average`` and ``spread``. Memory does not grow with it. An even number is best,
            since samples are drawn in pairs with opposite noise (`vaezoo.core.Noise`).
        seed: Random seed of the samples. Tiles cut their noise from one field, so tiling does not change the samples.
        detail: Factor of the noise of a single sample, which is then ``average``, up to 1. 0 means no such sample.
        self_ensemble: Whether ``image`` is the mean of the results for the image's eight rotations and mirror images,
            which takes eight times the time. ``scale`` is then the root mean square of theirs. Samples are of the image
            as it is.
        chosen: Whether the user chose the model. If not, a task may use other weights that fit the image better.
        precision: Precision of the networks: ``"fp32"`` or ``"bf16"``. The latter is faster on processors that support
            it, and changes the result by a fraction of a grey level. Inputs and outputs are fp32.

    Raises:
        ConfigError: The object is not a model, the device cannot be used, or the tile is too small for the model. A
            number is out of range or not whole, the precision is unknown, or both ``detail`` and ``samples`` are given.
    """

    def __init__(
        self,
        model: Model,
        *,
        tile: int | None = None,
        device: str | torch.device | None = None,
        samples: int = 0,
        seed: int = 0,
        detail: float = 0.0,
        self_ensemble: bool = False,
        chosen: bool = True,
        precision: str = "fp32",
    ) -> None:
        if isinstance(model, type) or not all(hasattr(model, name) for name in _NEEDED):
            hint = "Make one with vaezoo.create."
            raise ConfigError(f"Expected a model that restores, got {type(model).__name__}.", hint=hint, value=model)
        if not is_whole(samples) or samples < 0:
            raise ConfigError(f"Expected a whole number of samples, at least 0, got {samples!r}.", value=samples)
        if not is_whole(seed):
            raise ConfigError(f"Expected a whole number as seed, got {seed!r}.", value=seed)
        if not (tile is None or is_whole(tile)):
            raise ConfigError(f"Expected a whole number of pixels as tile, or None, got {tile!r}.", value=tile)
        if not (is_number(detail) and 0 <= detail <= 1):
            raise ConfigError(f"Detail is 0 to 1, not {detail!r}.", value=detail)
        if detail and samples:
            raise ConfigError(f"Expected samples or detail, got {samples} and {detail}.", value=(samples, detail))
        self.model, self.samples, self.seed, self.detail = model, samples, seed, detail
        self.self_ensemble, self.precision = self_ensemble, check_precision(precision)
        self.tile, self.chosen = tile, chosen
        self._usual_tile = Tiling.tile
        if tile is not None:
            Tiling.fitting(tile, model.stride)
        like = _like(model)
        self.device, self._dtype = like.device if device is None else find_device(device), like.dtype
        if self.device.type == "meta":
            raise ConfigError("Device 'meta' holds no values.", hint="'cpu' always works.", value="meta")
        if isinstance(model, torch.nn.Module):
            model.eval().to(self.device)

    @property
    def takes(self) -> tuple[str, ...]:
        """Names of the conditions that the model takes."""
        takes: tuple[str, ...] = getattr(getattr(self.model, "conditioner", None), "takes", ())
        return takes

    @property
    def enlarges(self) -> tuple[int, ...]:
        """Factors by which the model can enlarge an image. Empty if its results have the size of the input."""
        enlarges: tuple[int, ...] = getattr(getattr(self.model, "conditioner", None), "enlarges", ())
        return enlarges

    def other(
        self,
        model: Model | None = None,
        *,
        samples: int = 0,
        detail: float = 0.0,
        self_ensemble: bool | None = None,
    ) -> Restorer:
        """Returns a restorer of another model, or of the same one, with other samples and detail.

        Args:
            model: Model. None means this one's.
            samples: Number of samples.
            detail: Factor of the noise of a single sample.
            self_ensemble: Whether to average over the image's eight views. None means as in this restorer.
        """
        ensemble = self.self_ensemble if self_ensemble is None else self_ensemble
        kept: dict[str, Any] = {"tile": self.tile, "device": self.device, "seed": self.seed}
        kept |= {"self_ensemble": ensemble, "precision": self.precision}
        return Restorer(model or self.model, samples=samples, detail=detail, **kept)

    def __call__(
        self,
        y: Tensor,
        progress: Callable[[int, int], None] | None = None,
        maps: Mapping[str, Tensor] | None = None,
        whole: Mapping[str, Tensor] | None = None,
        numbers: Mapping[str, int] | None = None,
    ) -> Restoration:
        """Restores one image.

        A colour model receives a gray image repeated in each channel, and its result is averaged. A gray model receives
        each channel of a colour image separately.

        Args:
            y: Degraded image (1, C, H, W) in [0, 1]; noise may exceed it.
            progress: Callback, called with the number of finished tiles and the number of all tiles.
            maps: Conditions per pixel, each (1, 1, H, W). They are cut into tiles like y.
            whole: Conditions that are images of the whole picture, such as a thumbnail, each (1, C, h, w). Every tile
                receives them uncut.
            numbers: Conditions that are whole numbers, such as the factor to enlarge by.

        Raises:
            ShapeError: The image has more than one channel, but not the model's number. Or the model takes only one
                size, and this is another.
            ImageError: Memory does not suffice, or the model returned values that are not finite.
        """
        self._check(y)
        stride = self.model.stride
        longest, smallest = max(y.shape[-2:]), Tiling.smallest(stride)
        tile = self.tile or self._usual_tile
        if self.model.size is not None or longest <= tile:
            tile = math.ceil(max(longest, smallest) / stride) * stride
        maps = maps or {}
        told = dict(whole or {}) | {name: torch.tensor([number]) for name, number in (numbers or {}).items()}
        if sizes := [tuple(m.shape) for m in maps.values() if tuple(m.shape) != (1, 1, *y.shape[-2:])]:
            raise ShapeError(f"Expected maps of shape {(1, 1, *y.shape[-2:])}, got {sizes[0]}.", value=sizes[0])
        while (result := self._try(y, tile, progress, maps, told)) is None:
            smaller = tile // 2
            if self.tile is not None or self.model.size is not None or smaller < max(64, smallest):
                raise ImageError(
                    f"Memory does not suffice for a tile of {tile} pixels on {self.device}.",
                    hint="Give a smaller tile or another device.", value=tile,
                )  # fmt: skip
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            warnings.warn(
                f"Memory does not suffice for a tile of {tile} pixels: going on with {smaller}.", stacklevel=2
            )
            self._usual_tile = tile = smaller
        if not all(math.isfinite(end) for values in result.values() for end in torch.aminmax(values)):
            raise ImageError("The model returned values that are not finite.", hint="Verify its weights.", value=tile)
        return Restoration(
            result[IMAGE], result.get(SCALE), tile, average=result.get(AVERAGE), spread=result.get(SPREAD)
        )

    def _check(self, y: Tensor) -> None:
        if y.ndim != 4 or y.shape[0] != 1:
            raise ShapeError(f"Expected one image, (1, C, H, W), got {tuple(y.shape)}.", value=tuple(y.shape))
        channels, needed = y.shape[1], self.model.channels
        if channels != needed and channels != 1 and needed != 1:
            raise ShapeError(f"The model takes {needed} channels, the image has {channels}.", value=channels)
        size = tuple(y.shape[-2:])
        if self.model.size is not None and size != tuple(self.model.size):
            raise ShapeError(
                f"The model takes images of {_by(self.model.size)} pixels only, this one has {_by(size)}.",
                hint="Resize it or choose another model.", value=size,
            )  # fmt: skip

    def _try(
        self,
        y: Tensor,
        tile: int,
        progress: Callable[[int, int], None] | None,
        maps: Mapping[str, Tensor],
        told: Mapping[str, Tensor],
    ) -> dict[str, Tensor] | None:
        """Returns the maps of `_MAPS` that the model gives, by name; None if memory did not suffice."""
        channels, found = y.shape[1], list[str]()
        rows, columns = (math.ceil(side / self.model.stride) * self.model.stride for side in y.shape[-2:])

        def run(part: Tensor, origin: tuple[int, int]) -> list[Tensor]:
            planes = {name: part[:, channels + i : channels + i + 1] for i, name in enumerate(maps)}
            values = self._restore(part[:, :channels], planes, told, Field(*origin, rows, columns))
            found[:] = values
            return list(values.values())

        stacked = torch.cat([y, *(m.to(y) for m in maps.values())], 1) if maps else y
        try:
            with torch.no_grad(), arithmetic(self.precision, self.device):
                joined = run_tiled(run, stacked.cpu(), Tiling.fitting(tile, self.model.stride), progress)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None
        return dict(zip(found, joined, strict=True))

    def _restore(
        self, y: Tensor, maps: Mapping[str, Tensor], told: Mapping[str, Tensor], field: Field
    ) -> dict[str, Tensor]:
        channels, needed = y.shape[1], self.model.channels
        options: dict[str, Any] = {}
        if self.detail:
            options = {"samples": 1, "noise": Noise(self.detail, seed=self.seed, field=field)}
        elif self.samples:
            options = {"samples": self.samples, "noise": Noise(seed=self.seed, field=field, paired=True)}
        if maps or told:
            rows = channels if needed == 1 else 1
            planes = {n: p.to(self.device, self._dtype).expand(rows, -1, -1, -1) for n, p in maps.items()}
            options["cond"] = planes | {n: self._told(value, rows) for n, value in told.items()}
        y = self._fitting(y)
        values = _maps(self.model.restore(y, **options))
        if self.self_ensemble:
            model, cond = self.model, options.get("cond", {})
            images, scales = zip(*other_views(model.restore, y, cond, model.stride, model.size), strict=True)
            values[IMAGE] = torch.stack([values[IMAGE], *images]).mean(0)
            if SCALE in values:
                values[SCALE] = torch.stack([values[SCALE], *scales]).square().mean(0).sqrt()
        if channels == needed:
            return values
        if needed == 1:
            return {name: value.transpose(0, 1) for name, value in values.items()}
        return {
            name: root_mean_square(value) if name in (SCALE, SPREAD) else value.mean(1, keepdim=True)
            for name, value in values.items()
        }

    def _told(self, value: Tensor, rows: int) -> Tensor:
        """Returns a condition of the whole image, an image or (1,), repeated for a number of rows."""
        return value.to(self.device).expand(rows) if value.ndim == 1 else self._fitting(value)

    def _fitting(self, image: Tensor) -> Tensor:
        """Returns an image (1, C, h, w) in the model's channels and on its device.

        A gray model gets a row per channel.
        """
        image, needed = image.to(self.device, self._dtype), self.model.channels
        if image.shape[1] == needed:
            return image
        return image.transpose(0, 1) if needed == 1 else image.expand(-1, needed, -1, -1)


def _maps(result: Any) -> dict[str, Tensor]:
    """Returns the maps that the result of a model has, by name."""
    values = {name: getattr(result, name, None) for name in _MAPS}
    return {name: value.float() for name, value in values.items() if value is not None}


def root_mean_square(scale: Tensor) -> Tensor:
    """Returns the root mean square over channels, (B, 1, H, W), of a standard deviation (B, C, H, W)."""
    return scale.square().mean(1, keepdim=True).sqrt()


def _like(model: Model) -> Tensor:
    """Returns a tensor with the model's device and dtype."""
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else iter(())
    return next(parameters, torch.empty(0))


def _by(size: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in size)
