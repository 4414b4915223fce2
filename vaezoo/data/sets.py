"""Data sets by name, with their path, public source, licence and hash; and images of any folder or zip.

A data set is declared under ``data`` of a registry file: by a description of its file, as in sets.yaml, or by a target,
which is a function without arguments that returns `Images`. Or it is declared by `vaezoo.register_data`.

Pixels stay 8-bit. `vaezoo.train.data` makes batches of them. Nothing is downloaded here.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from vaezoo.data.factors import make_factors
from vaezoo.data.pictures import Array, pictures_sha256, read_pictures, to_gray
from vaezoo.errors import ConfigError, DataMissing, ImageError, UnknownName, suggest
from vaezoo.host.kinds import check_name, find, names_of, safely
from vaezoo.host.manager import current_zoo
from vaezoo.image.file.folders import find_in_folders, named_folders


@final
@dataclass(frozen=True)
class KnownSet:
    """A public data set. ``sha256`` is the hash of its decoded content; sets.yaml says how it is computed."""

    name: str
    kind: str
    paths: tuple[str, ...]
    url: str
    sha256: str
    licence: str
    split: str = ""
    labels: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Images:
    """Decoded images, each uint8 (H, W, C). ``names`` are stems, or empty for sets without file names."""

    source: str
    pixels: Sequence[Array]
    sha256: str
    licence: str
    names: tuple[str, ...] = ()
    labels: Array | None = field(default=None, repr=False)
    factors: np.ndarray[Any, np.dtype[np.int64]] | None = field(default=None, repr=False)


def known_sets() -> dict[str, KnownSet]:
    """Returns the data sets whose files are described in registry files, such as sets.yaml, by name."""
    shelf = current_zoo().registry.kinds["data"]
    described = {name: shelf.entries[name] for name in shelf.names()}
    return {
        name: _described(name, entry.target)
        for name, owners in described.items()
        for entry in list(owners.values())[:1]
        if isinstance(entry.target, Mapping)
    }


def set_names() -> list[str]:
    """Lists the names of all data sets, sorted: files, and functions that draw or read images."""
    return names_of("data")


def load_images(name: str, gray: bool = False) -> Images:
    """Reads a data set by name, or the images of a folder or zip.

    Args:
        name: Name, as in ``vaezoo list --kind data``; or a path; or ``factors-SIZE``, drawn at that size.
        gray: Whether to read images as one channel of luma instead of RGB.

    Raises:
        UnknownName: The name is neither a data set nor an existing path.
        DuplicateName: Two plugins have a data set of this name.
        DataMissing: A file is in no folder of ``$VAEZOO_DATA``, or has other content.
        ImageError: A folder has no images, or an image cannot be read.
        ConfigError: The declared object is not a data set.
        PluginError: The function that is declared under the name fails.
    """
    if made := re.fullmatch(r"factors-(\d+)", name):
        return _gray(_factors(name, int(made[1]))) if gray else _factors(name, int(made[1]))
    try:
        check_name("data", name)
    except UnknownName as error:
        if not name or not Path(name).exists():
            hint = suggest(name, set_names())
            raise UnknownName(f"{name!r} is neither a data set nor a path.", hint=hint, value=name) from error
        return _own_images(Path(name), gray)
    found = find("data", name)
    if isinstance(found, Mapping):
        return _of_file(_described(name, found), gray)
    images = safely("data", name)() if callable(found) else found
    if not isinstance(images, Images):
        message = f"Expected the data set {name!r} to be a function that returns Images, got {images!r}."
        raise ConfigError(message, hint="See vaezoo.data.sets.Images.", value=images)
    return _gray(images) if gray else images


def factors() -> Images:
    """Returns images of 32×32 pixels with known factors; see `vaezoo.data.factors`."""
    return _factors("factors", 32)


def _factors(name: str, size: int) -> Images:
    drawn, values = make_factors(size)
    pixels = drawn.repeat(3, axis=3)
    digest = hashlib.sha256(drawn.tobytes()).hexdigest()
    return Images(name, list(pixels), digest, "drawn here, no rights claimed", factors=values)


def _gray(images: Images) -> Images:
    return replace(images, pixels=to_gray(images.pixels))


def _described(name: str, row: Mapping[str, Any]) -> KnownSet:
    frozen: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return KnownSet(name=name, **frozen)


def _of_file(known: KnownSet, gray: bool) -> Images:
    path = find_file(known, known.paths)
    names: tuple[str, ...] = ()
    pixels: Any  # an (N, H, W, C) array, or a list of (H, W, C) ones
    if known.kind == "idx":
        raw, pixels = _read_idx(path)
        sha256 = hashlib.sha256(raw).hexdigest()
    elif known.kind == "bits":
        packed = np.load(path)[known.split]
        pixels = np.unpackbits(packed, axis=1)[:, :784].reshape(-1, 28, 28, 1) * np.uint8(255)
        sha256 = hashlib.sha256(packed.tobytes()).hexdigest()
    else:
        names, pixels = _named_pictures(path)
        sha256 = pictures_sha256(names, pixels)
        kept = [i for i, stem in enumerate(names) if stem not in known.leave_out]
        names, pixels = tuple(names[i] for i in kept), [pixels[i] for i in kept]
    if sha256 != known.sha256:
        message = f"{path} is not {known.name!r}: its content has sha256 {sha256}, not {known.sha256}."
        raise DataMissing(message, hint=f"Get it from {known.url}.", value=str(path))
    labels = _read_idx(find_file(known, known.labels))[1] if known.labels else None
    return Images(known.name, to_gray(pixels) if gray else pixels, sha256, known.licence, names, labels)


def _own_images(path: Path, gray: bool) -> Images:
    names, pixels = _named_pictures(path)
    return Images(str(path), to_gray(pixels) if gray else pixels, pictures_sha256(names, pixels), "unknown", names)


def find_file(known: KnownSet, paths: Sequence[str]) -> Path:
    """Returns the first of ``paths`` that exists in a folder of ``$VAEZOO_DATA``."""
    found = find_in_folders("VAEZOO_DATA", paths)
    if found is not None:
        return found
    raise DataMissing(
        f"Data set {known.name!r} ({known.licence}) is in none of the folders of $VAEZOO_DATA: "
        f"{named_folders('VAEZOO_DATA')}.",
        hint=f"Get it from {known.url} (content sha256 {known.sha256}) and put it at {paths[0]} in one of them.",
        value=known.name,
    )


def _read_idx(path: Path) -> tuple[bytes, Array]:
    """Reads an idx file (LeCun's MNIST format): magic, dimensions, bytes. Images are (N, H, W, 1)."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    dims = raw[3] if raw[:3] == b"\0\0\x08" else 0
    shape = tuple(int(n) for n in np.frombuffer(raw, ">u4", dims, offset=4)) if dims else ()
    if not dims or len(raw) != 4 + 4 * dims + int(np.prod(shape)):
        raise ImageError(f"{path} is not an idx file of bytes, or is cut off.", value=str(path))
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape)
    return raw, values[..., None] if dims == 3 else values


def _named_pictures(path: Path) -> tuple[tuple[str, ...], list[Array]]:
    """Returns the stems and pixels of the images of a folder or zip, sorted by stem."""
    found = read_pictures(path)
    return tuple(Path(picture.name).name for picture in found), [picture.pixels for picture in found]
