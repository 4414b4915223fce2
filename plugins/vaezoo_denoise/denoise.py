"""Denoising at any noise level, told or estimated, with separate strengths for luma and colour."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, final

import torch
from torch import Tensor

from vaezoo.errors import ConfigError, ShapeError
from vaezoo.image import (
    describe_noise,
    estimate_noise,
    gaussian_noise,
    is_white,
    local_level,
    read_luma_table,
    split_luma,
)
from vaezoo.restore import (
    LARGEST_STRENGTH,
    Example,
    Model,
    Progress,
    Restoration,
    Restorer,
    Task,
    is_number,
    load_model,
)

from .colour import lost_colour

Table = tuple[int, ...]
WHITE = "denoise.open"
"""Weights that are best for white noise."""


@cache
def _for_white_noise() -> Model:
    return load_model(WHITE)


@final
@dataclass(frozen=True)
class Denoise(Task):
    """Removes noise, and keeps the local mean colour; see `vaezoo_denoise.colour`.

    For a strength above 1, the model is told a higher noise level: the strength times the level that it removed around
    each pixel at strength 1, or times ``sigma`` if that is given. Weights that were trained for it, such as
    ``denoise.photo``, then also give up weak texture. For a strength below 1, the result is mixed with the input.

    If the user did not choose weights and the noise is white (`vaezoo.image.is_white`), the weights ``open`` of the
    same model are used, which were trained on nothing else. No file of a camera has such noise.

    Attributes:
        sigma: Noise level in grey levels, if known. A standard deviation in units of 1/255: a number, or a map (H, W).
            A blind model ignores it.
        boost: Factor by which the noise level is told too high.
        luma: Strength for brightness, 0 to 3. None means ``boost``.
        chroma: Strength for colour, 0 to 3. None means ``boost``.
        table: Luma table of the JPEG file that the image is from. It is read if a path is given.

    Raises:
        ShapeError: A noise level is negative or not finite.
        ConfigError: ``boost`` is negative, or another strength is out of range.
    """

    sigma: float | Tensor | None = None
    boost: float = 1.0
    luma: float | None = None
    chroma: float | None = None
    table: Table | None = None

    name: ClassVar[str] = "denoise"
    model: ClassVar[str] = "denoise"
    data: ClassVar[str] = "kodak24"
    word: ClassVar[str] = "sigma"
    unit: ClassVar[str] = "σ, grey levels"
    levels: ClassVar[tuple[float, ...]] = (15, 25, 50)
    protocol: ClassVar[str] = (
        "Gaussian noise of 15, 25, 50 (of 255) seeded by the picture's index, input not clipped, output clipped, "
        "RGB over all pixels"
    )

    def __post_init__(self) -> None:
        if not (is_number(self.boost) and self.boost >= 0):
            raise ConfigError(f"Expected a boost of at least 0, got {self.boost!r}.", value=self.boost)
        for name, amount in (("luma", self.luma), ("chroma", self.chroma)):
            if amount is not None and not (is_number(amount) and 0 <= amount <= LARGEST_STRENGTH):
                raise ConfigError(
                    f"Expected {name} as a strength of 0 to {LARGEST_STRENGTH:g}, got {amount!r}.", value=amount
                )
        if self.sigma is None:
            return
        try:
            values = torch.as_tensor(self.sigma, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError) as error:
            message = f"Expected a noise level in grey levels, a number or a map (H, W), got {self.sigma!r:.80}."
            raise ShapeError(message, value=self.sigma) from error
        if not bool(torch.isfinite(values).all()) or bool((values < 0).any()):
            worst = values[~torch.isfinite(values) | (values < 0)].flatten()[0].item()
            raise ShapeError(f"Expected a noise level of at least 0, in grey levels, got {worst}.", value=worst)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.Task.restore`.

        Facts in grey levels of 255: ``noise_levels``, ``noise_luma_levels`` and ``noise_chroma_levels``, estimated from
        the image alone; ``removed_levels``, ``removed_luma_levels`` and ``removed_chroma_levels``, of what was removed.
        In pixels: ``noise_grain_pixels`` and ``removed_grain_pixels``, the size of their grain. See
        `vaezoo.image.damage.noise.NoiseReport`.

        Raises:
            ShapeError: The map does not have the size of the image.
            ConfigError: A strength above 1 is requested, but the model takes no noise level.
        """
        amounts = [self.boost if amount is None else float(amount) for amount in (self.luma, self.chroma)]
        tells = "sigma" in restorer.takes
        if max(amounts) > 1 and not tells:
            super().stronger(max(amounts), restorer)
        seen = estimate_noise(y)
        if not restorer.chosen and self.table is None and max(amounts) <= 1 and is_white(y, seen):
            restorer = restorer.other(_for_white_noise(), samples=restorer.samples, detail=restorer.detail)
        level = self._level(y) if tells else None
        once = level is not None and amounts[0] == amounts[1] > 1  # one level for all, hence one pass
        restored = self._told(restorer, y, amounts[0] * level if once and level is not None else level, progress)
        done = {amounts[0] if once else 1.0: restored.image}
        taken = local_level(y - restored.image) if level is None else level
        for amount in amounts:
            if amount < 1:
                done[amount] = torch.lerp(y, restored.image, amount)
            elif amount not in done and tells:
                done[amount] = self._told(restorer, y, amount * taken, progress).image
        luma, chroma = (done.get(amount, restored.image) for amount in amounts)
        image = luma
        if luma is not chroma and y.shape[1] == 3:
            image = (split_luma(luma)[0] + split_luma(chroma)[1]).clamp(0, 1)
        average = restored.average
        if average is not None and image is not restored.image:
            average = (average + image - restored.image).clamp(0, 1)
        removed = describe_noise(y - image)
        facts = {f"noise_{name}": value for name, value in seen._asdict().items()}
        facts |= {f"removed_{name}": value for name, value in removed._asdict().items()}
        mixed = None if image is restored.image else image
        return restored._replace(mixed=mixed, average=average, facts=facts, model=restorer.model)

    def of_file(self, path: str | os.PathLike[str]) -> Denoise:
        """See :meth:`vaezoo.restore.Task.of_file`: reads the luma table of a JPEG file."""
        table = read_luma_table(path)
        return self if table is None else replace(self, table=table)

    @property
    def apart(self) -> bool:
        """See :attr:`vaezoo.restore.Task.apart`: luma and colour have separate strengths."""
        return self.luma is not None or self.chroma is not None

    def _level(self, y: Tensor) -> Tensor | None:
        """Returns the given noise level as a map (1, 1, H, W), in units of the pixel value."""
        if self.sigma is None:
            return None
        sigma = torch.as_tensor(self.sigma, dtype=torch.float32) / 255
        if (sigma.ndim and tuple(sigma.shape[-2:]) != tuple(y.shape[-2:])) or sigma.numel() not in (1, y[0, 0].numel()):
            raise ShapeError(
                f"Expected a noise level, or a map of the picture's {tuple(y.shape[-2:])}, got {tuple(sigma.shape)}.",
                value=tuple(sigma.shape),
            )
        return sigma.reshape(1, 1, *(sigma.shape[-2:] or (1, 1))).expand(1, 1, *y.shape[-2:])

    def _told(self, restorer: Restorer, y: Tensor, level: Tensor | None, progress: Progress | None) -> Restoration:
        restored = restorer(y, progress, maps=None if level is None else {"sigma": level})
        lost = lost_colour(y, restored.image)
        average = None if restored.average is None else (restored.average + lost).clamp(0, 1)
        return restored._replace(image=(restored.image + lost).clamp(0, 1), average=average)

    def stronger(self, strength: float, restorer: Restorer) -> Task:
        """See :meth:`vaezoo.restore.Task.stronger`."""
        if strength > 1 and "sigma" not in restorer.takes:
            return super().stronger(strength, restorer)
        return replace(self, boost=self.boost * strength)

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.Task.example`: Gaussian noise, not clipped. The model is not told its level."""
        return Example(x, gaussian_noise(x, level, seed=index), cls())
