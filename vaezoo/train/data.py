"""Batches of training. What a step sees depends only on seed, step and row.

So a run resumes bit for bit without saving any generator, and rows do not depend on the number of processes that share
a batch. Images stay uint8 in memory. Cropping uses views, and noise is drawn on the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol, final

import numpy as np
import torch
from torch import Tensor

from vaezoo.core import Batch
from vaezoo.data.pictures import Array
from vaezoo.data.sets import Images, load_images
from vaezoo.data.styles import draw_styles, restyle
from vaezoo.errors import ConfigError
from vaezoo.image.damage.noise import camera_noise
from vaezoo.moved import former
from vaezoo.train.damages.crops import check_fit, draw_region, equal_channels, patches_per_epoch
from vaezoo.train.damages.damage import PairDamage, damage_of
from vaezoo.train.damages.pairs import Pairs, load_pairs
from vaezoo.train.damages.patches import grained
from vaezoo.train.damages.recorruption import normal, recorrupted
from vaezoo.train.recipe import DataRecipe
from vaezoo.train.seeds import mix

__all__ = ["Patches", "Source", "WholeImages", "open_source", "recorrupted"]


class Source(Protocol):
    """Source of a training loop's batches."""

    images: tuple[Images, ...]

    def steps_per_epoch(self, batch: int) -> int:
        """Returns the number of steps that see every pixel about once."""

    def batch(self, step: int, rows: range, batch: int, device: torch.device) -> Batch:
        """Returns some rows of the batch of a step.

        Args:
            step: Number of the step, from 0.
            rows: Rows of the whole batch to return.
            batch: Number of rows of the whole batch, over all processes.
            device: Device of the tensors.
        """


def open_source(data: DataRecipe, names: Sequence[str], seed: int, pairs: Sequence[str] = ()) -> Source:
    """Loads data sets. Returns a source of their patches, or of whole images if ``data.patch`` is 0.

    Args:
        data: Settings of patches and damage.
        names: Names of the sets, as for `vaezoo.data.sets.load_images`.
        seed: Random seed of all draws.
        pairs: Two folders or zips, as for `vaezoo.train.damages.pairs.load_pairs`, instead of sets.
    """
    if pairs:
        return Pairs(load_pairs(pairs, data.gray), data, seed)
    images = tuple(load_images(name, data.gray) for name in names)
    if damage := damage_of(data):
        return damage.source(images, seed)
    return Patches(images, data, seed) if data.patch else WholeImages(images, data, seed)


@final
class WholeImages:
    """Images of one size, in a new order every epoch. The last, incomplete batch of an epoch is left out."""

    def __init__(self, images: tuple[Images, ...], data: DataRecipe, seed: int) -> None:
        shapes = {array.shape for source in images for array in source.pixels}
        if len(shapes) > 1:
            raise ConfigError(
                f"Whole images should be of one size, these are of {len(shapes)}.",
                hint="Set data.patch.",
                value=sorted(shapes),
            )
        if data.labels and any(source.labels is None for source in images):
            raise ConfigError("data.labels is set, and not every set has labels.", value=[s.source for s in images])
        if data.style and any(shape[-1] != 1 for shape in shapes):
            raise ConfigError("data.style is for grey images, these have colours.", hint="Set data.gray.", value=shapes)
        self.images, self.data, self.seed = images, data, seed
        pixels = np.concatenate([np.asarray(source.pixels) for source in images])
        self.pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        self.labels = torch.from_numpy(np.concatenate([s.labels for s in images])) if data.labels else None
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def steps_per_epoch(self, batch: int) -> int:
        """See :meth:`Source.steps_per_epoch`."""
        if batch > len(self.pixels):
            raise ConfigError(f"A batch of {batch} is larger than the data, {len(self.pixels)} images.", value=batch)
        return len(self.pixels) // batch

    def batch(self, step: int, rows: range, batch: int, device: torch.device) -> Batch:
        """See :meth:`Source.batch`."""
        epoch, position = divmod(step, self.steps_per_epoch(batch))
        if self._order[0] != epoch:
            self._order = epoch, torch.randperm(len(self.pixels), generator=_generator(self.seed, epoch, -1))
        indices = self._order[1][position * batch : (position + 1) * batch][rows.start : rows.stop]
        x = self.pixels.index_select(0, indices).to(device).float().div_(255)
        generator = _generator(self.seed, step, -2)
        shape = (batch, *self.pixels.shape[1:])
        if self.data.binarise:
            x = (torch.rand(shape, generator=generator)[rows.start : rows.stop].to(device) < x).float()
        if self.data.style:
            return self._styled(x, indices, step, rows, batch)
        cond = {} if self.labels is None else {"label": self.labels[indices].to(device, torch.int64)}
        low, high = (level / 255 for level in self.data.sigma)
        if high == 0:
            return Batch(x, cond=cond)
        sigma = torch.empty(batch).uniform_(low, high, generator=generator)[rows.start : rows.stop].to(device)
        noise = torch.randn(shape, generator=generator)[rows.start : rows.stop].to(device)
        return Batch(x + sigma[:, None, None, None] * noise, x, cond, {"sigma": sigma})

    def _styled(self, x: Tensor, indices: Tensor, step: int, rows: range, batch: int) -> Batch:
        """Returns images in random styles. The model is told a class, a code, or another image in the same style."""
        generator, colour = _generator(self.seed, step, -3), self.data.style_colour
        codes, classes = draw_styles(batch, self.data.style, generator)
        others = torch.randint(len(self.pixels), (batch,), generator=generator)[rows.start : rows.stop]
        code = codes[rows.start : rows.stop].to(x)
        cond = {"style_code": code}
        if classes is not None:
            cond = {"style_class": classes[rows.start : rows.stop].to(x.device)}
        elif self.data.style == "reference":
            other = self.pixels.index_select(0, others).to(x.device).float().div_(255)
            cond = {"style_reference": restyle(other, code, colour=colour)}
        info = {"style_code": code}
        if self.labels is not None:
            info["label"] = self.labels[indices].to(x.device, torch.int64)
        return Batch(restyle(x, code, colour=colour), cond=cond, info=info)


@final
class Patches:
    """Random square crops, each from a random image, with noise of random level, another damage, or both.

    The noise is Gaussian and not clipped, or `camera_noise`. Its standard deviation, for values in [0, 1], is
    ``info["sigma"]``. If the model is told the level, it is also ``cond["sigma"]``, which is NaN for other patches.
    """

    def __init__(self, images: tuple[Images, ...], data: DataRecipe, seed: int) -> None:
        self.images, self.data, self.seed = images, data, seed
        self.pictures = [array for source in images for array in source.pixels]
        self.damage = damage_of(data)
        self.margin = self.damage.margin if self.damage else 0
        check_fit(self.pictures, data.patch + self.margin, data)

    def steps_per_epoch(self, batch: int) -> int:
        """See :meth:`Source.steps_per_epoch`."""
        return patches_per_epoch(self.pictures, batch, self.data.patch)

    def batch(self, step: int, rows: range, batch: int, device: torch.device) -> Batch:
        """See :meth:`Source.batch`."""
        if isinstance(self.damage, PairDamage):
            return self._pairs(self.damage, step, rows, device)
        side, channels = self.data.patch, self.pictures[0].shape[2]
        patches = np.empty((len(rows), side, side, channels), np.uint8)
        damaged = np.empty((len(rows), side, side, channels), np.float32) if self.damage else None
        sigmas, seeds, grays, told, lights = [], [], [], [], []
        for i, row in enumerate(rows):
            rng = np.random.default_rng((self.seed, step, row))
            picture = int(rng.integers(len(self.pictures)))
            region = draw_region(self.pictures[picture], rng, side + self.margin, self.data)
            low, high = self.data.sigma
            sigmas.append((low + (high - low) * rng.random() ** self.data.sigma_power) / 255)
            seeds.append(int(rng.integers(2**63)))
            grays.append(self.data.gray_share > 0 and rng.random() < self.data.gray_share)
            told.append(self.data.told > 0 and rng.random() < self.data.told)
            camera = self.data.camera > 0 and rng.random() < self.data.camera
            lights.append(rng.random() if camera else None)
            region = equal_channels(region) if grays[-1] else region
            if self.data.grain > 0 and rng.random() < self.data.grain:
                region = grained(region, rng)
            top = left = 0
            if damaged is not None and self.damage is not None:
                values, (top, left) = self.damage.spoil(region, rng)
                damaged[i] = values[top : top + side, left : left + side]
            patches[i] = region[top : top + side, left : left + side]
        x = torch.from_numpy(patches).to(device).permute(0, 3, 1, 2).float().contiguous().div_(255)
        seen = x if damaged is None else torch.from_numpy(damaged).to(device).permute(0, 3, 1, 2).contiguous()
        if self.data.sigma[1] == 0:
            return Batch(x) if damaged is None else Batch(seen, x)
        noise = normal(x, seeds, grays)
        sigma = torch.tensor(sigmas, device=device)
        y = torch.addcmul(seen, sigma[:, None, None, None], noise)
        for i, light in enumerate(lights):
            if light is not None:
                told[i], y[i] = False, camera_noise(seen[i], noise[i], sigmas[i], light)
        cond = {"sigma": torch.where(torch.tensor(told, device=device), sigma, torch.nan)} if self.data.told else {}
        return Batch(y, x, cond, {"sigma": sigma})

    def _pairs(self, damage: PairDamage, step: int, rows: range, device: torch.device) -> Batch:
        """Returns pairs that a damage makes, such as cameras' and files'."""
        pairs = []
        for row in rows:
            rng = np.random.default_rng((self.seed, step, row))
            picture = self.pictures[int(rng.integers(len(self.pictures)))]

            def cut(side: int, picture: Array = picture, rng: np.random.Generator = rng) -> Array:
                return draw_region(picture, rng, side, self.data)

            pairs.append(damage.pair(cut, min(picture.shape[:2]), rng))
        y, x, told = (torch.cat(parts).to(device).contiguous() for parts in zip(*pairs, strict=True))
        cond = {"sigma": told} if self.data.told else {}
        return Batch(y, x, cond, {"sigma": (y - x).square().flatten(1).mean(1).sqrt()})


def _generator(*key: int) -> torch.Generator:
    return torch.Generator().manual_seed(mix(*key))


__getattr__ = partial(former, __name__)
