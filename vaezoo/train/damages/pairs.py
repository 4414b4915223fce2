"""Training on pairs: degraded and clean images of the same scenes, in two folders or zips, under the same names.

Pairs that training makes from clean images are in `vaezoo.train.data` and `vaezoo.train.damages.photos`.
"""

from __future__ import annotations

import posixpath
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vaezoo.core import Batch
from vaezoo.data.pictures import Decoded, list_pictures, pictures_sha256, read_pictures, to_gray
from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError, ImageError, UnknownName
from vaezoo.train.damages.crops import draw_region, equal_channels
from vaezoo.train.damages.photos import told_level
from vaezoo.train.recipe import DataRecipe

Couple = tuple[Decoded, Decoded]

SHOWN = 3
"""Number of names that a message lists. Of more, it gives the count."""
FLAT = 3.0
"""Standard deviation of a thumbnail, in grey levels, below which it counts as empty."""
LIKE = 0.5
"""Correlation of two thumbnails below which the images are probably not of one scene."""


def load_pairs(paths: Sequence[str], gray: bool = False) -> tuple[Images, Images]:
    """Reads pairs from two folders or zips with images of the same names, whatever their suffixes.

    Names are paths inside the folder. A single folder around all images, as in a zip of a folder, does not count.
    Values of 16 bits are rounded to 8. There is a warning if the images of a pair do not seem to show one scene.

    Args:
        paths: Path of the degraded images, and path of the clean ones.
        gray: Whether to read images as one channel of luma instead of RGB.

    Returns:
        Degraded images and clean images, in the same order.

    Raises:
        UnknownName: A path does not exist.
        ConfigError: Both contain the same images.
        ImageError: An image has no partner, two partners, or one of another size or bit depth. Or it cannot be read.
    """
    for path in paths:
        if not path or not Path(path).exists():
            hint = "Paths are relative to the working folder."
            raise UnknownName(f"Expected two folders or zips of pictures, but {path!r} is none.", hint=hint, value=path)
    first, second = (Path(path) for path in paths)
    hint = "Give the noisy pictures first, then the clean ones."
    if first.resolve() == second.resolve():
        raise ConfigError(f"Expected two folders of a pair, got {first} twice.", hint=hint, value=list(paths))
    listed = [[Path(name).with_suffix("").as_posix() for name in list_pictures(path)] for path in (first, second)]
    _match(_inside(listed[0]), _inside(listed[1]), first, second)  # before decoding, which takes long
    noisy, clean = read_pictures(first), read_pictures(second)
    keys = [_inside([picture.name for picture in pictures]) for pictures in (noisy, clean)]
    names = _match(keys[0], keys[1], first, second)  # again, since a file may contain several images
    ones, others = dict(zip(keys[0], noisy, strict=True)), dict(zip(keys[1], clean, strict=True))
    couples = [(ones[name], others[name]) for name in names]
    _compare(names, couples, first, second)
    pair = (
        _images(first, names, [one for one, _ in couples], gray),
        _images(second, names, [other for _, other in couples], gray),
    )
    if pair[0].sha256 == pair[1].sha256:
        raise ConfigError(f"{first} and {second} hold the same pictures.", hint=hint, value=list(paths))
    return pair


def refuse_enlarging(model: object, name: str) -> None:
    """Raises for a model that enlarges, since both images of a pair have one size.

    Raises:
        ConfigError: The model enlarges.
    """
    if enlarges := getattr(getattr(model, "conditioner", None), "enlarges", ()):
        message = f"The model {name!r} enlarges, but both pictures of a pair are of one size."
        raise ConfigError(message, hint="Train it on clean pictures, with data.damage=reduce.", value=enlarges)


@final
class Pairs:
    """Random square crops of pairs, each from a random pair. Both images are cropped, scaled and turned alike.

    If the model is told the noise level, that is ``cond["sigma"]``: the root mean square of the difference of the two
    (see `vaezoo.train.damages.photos.told_level`), or NaN for patches without a level.
    `vaezoo.train.damages.photos.told_level`), NaN for the other patches.
    """

    def __init__(self, images: tuple[Images, Images], data: DataRecipe, seed: int) -> None:
        self.images: tuple[Images, ...] = images
        self.data, self.seed = data, seed
        self.pairs = list(zip(images[0].pixels, images[1].pixels, strict=True))
        smallest = min(min(clean.shape[:2]) for _, clean in self.pairs)
        if smallest * data.scale[0] < data.patch:
            message = f"Patches of {data.patch} at scale {data.scale[0]:g} do not fit into a pair of {smallest} pixels."
            raise ConfigError(message, hint="Lower data.patch or raise data.scale.", value=data.patch)

    def steps_per_epoch(self, batch: int) -> int:
        """See :meth:`vaezoo.train.data.Source.steps_per_epoch`."""
        pixels = sum(clean.shape[0] * clean.shape[1] for _, clean in self.pairs)
        return max(1, pixels // (batch * self.data.patch**2))

    def batch(self, step: int, rows: range, batch: int, device: torch.device) -> Batch:
        """See :meth:`vaezoo.train.data.Source.batch`."""
        draws = [np.random.default_rng((self.seed, step, row)) for row in rows]
        y, x = (torch.stack(values).to(device) for values in zip(*map(self._patches, draws), strict=True))
        info = {"sigma": (y - x).square().flatten(1).mean(1).sqrt()}
        if not self.data.told:
            return Batch(y, x, info=info)
        return Batch(y, x, {"sigma": torch.cat([self._told(*row) for row in zip(y - x, draws, strict=True)])}, info)

    def _patches(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Returns both patches of a pair, each (C, P, P) in [0, 1]."""
        pair = self.pairs[int(rng.integers(len(self.pairs)))]
        place = int(rng.integers(2**63))  # shared: two generators with one seed draw alike
        patches = [draw_region(picture, np.random.default_rng(place), self.data.patch, self.data) for picture in pair]
        if self.data.gray_share > 0 and rng.random() < self.data.gray_share:
            patches = [equal_channels(patch) for patch in patches]
        y, x = (torch.from_numpy(patch.astype(np.float32, order="C")).permute(2, 0, 1).div(255) for patch in patches)
        return y.contiguous(), x.contiguous()

    def _told(self, noise: Tensor, rng: np.random.Generator) -> Tensor:
        """Returns the noise level that the model is told, (1, 1, P, P), for noise (C, P, P)."""
        if rng.random() < self.data.told:
            return told_level(noise[None], rng)
        return torch.full_like(noise[None, :1], torch.nan)


def _inside(paths: Sequence[str]) -> list[str]:
    """Returns paths relative to the folder that contains them all."""
    common = posixpath.commonpath([posixpath.dirname(path.lstrip("/")) for path in paths])
    return [path.lstrip("/")[len(common) :].lstrip("/") for path in paths]


def _match(one: Sequence[str], other: Sequence[str], first: Path, second: Path) -> list[str]:
    """Returns the sorted names of two folders, after a check that they are the same."""
    for names, path in ((one, first), (other, second)):
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            message = f"{path} has several pictures of one name: {_listed(twice)}."
            raise ImageError(message, hint="Keep one of each name, whatever the suffix.", value=twice)
    alone, single = sorted(set(one) - set(other)), sorted(set(other) - set(one))
    hint = "Give both pictures of a pair the same name (suffixes may differ), or take the others away."
    if len(alone) == len(one):
        message = f"No picture in {first} has the name of one in {second}: "
        message += f"the first has {_listed(alone)}, the second {_listed(single)}."
        raise ImageError(message, hint=hint, value=alone)
    missing = [
        f"{len(names)} of {count} pictures in {path} have no partner in {partner}: {_listed(names)}"
        for names, count, path, partner in ((alone, len(one), first, second), (single, len(other), second, first))
        if names
    ]
    if missing:
        raise ImageError(f"{'; '.join(missing)}.", hint=hint, value=alone + single)
    return sorted(one)


def _compare(names: Sequence[str], couples: Sequence[Couple], first: Path, second: Path) -> None:
    """Raises for pairs of two sizes or bit depths, and warns of those that may not show one scene."""
    for what, of, hint in (
        ("size", _size, "Cut both to the part that they share, both upright, or take the pair away."),
        ("bit depth", _depth, "Save both alike, or take the pair away."),
    ):
        told = {name: (of(one), of(other)) for name, (one, other) in zip(names, couples, strict=True)}
        if differing := [name for name, (one, other) in told.items() if one != other]:
            one, other = told[differing[0]]
            message = f"{len(differing)} of {len(names)} pairs differ in {what}, such as {differing[0]!r}: "
            message += f"{one} in {first}, {other} in {second}."
            raise ImageError(message, hint=hint, value=differing)
    unlike = [name for name, couple in zip(names, couples, strict=True) if _likeness(*couple) < LIKE]
    if unlike:
        text = f"{len(unlike)} of {len(names)} pairs of {first} and {second} hardly show one scene: {_listed(unlike)}"
        warnings.warn(f"vaezoo: {text}; look whether they belong together, and lie alike", stacklevel=4)


def _size(picture: Decoded) -> str:
    return f"{picture.pixels.shape[1]}x{picture.pixels.shape[0]} pixels"


def _depth(picture: Decoded) -> str:
    return f"{picture.bits} bits"


def _likeness(one: Decoded, other: Decoded) -> float:
    """Returns the correlation of two images' thumbnails; 1 if one is nearly flat."""
    one_small, other_small = (
        np.asarray(Image.fromarray(picture.pixels).convert("L").resize((16, 16), Image.Resampling.BOX), np.float64)
        for picture in (one, other)
    )
    if min(one_small.std(), other_small.std()) < FLAT:
        return 1.0
    return float(np.corrcoef(one_small.ravel(), other_small.ravel())[0, 1])


def _images(path: Path, names: Sequence[str], pictures: Sequence[Decoded], gray: bool) -> Images:
    pixels = [picture.pixels for picture in pictures]
    digest = pictures_sha256(names, pixels)
    return Images(str(path), to_gray(pixels) if gray else pixels, digest, "unknown", tuple(names))


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(repr(name) for name in names[:SHOWN])
    return told + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
