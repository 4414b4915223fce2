"""Weights: found by URL, trusted by hash, loaded strictly. Never pickle."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..errors import HashMismatch, TensorMismatch, UnknownName, WeightsError, suggest
from .cards import Card
from .registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from ..core import VAE


@dataclass(frozen=True)
class LoadReport:
    """What was loaded.

    Attributes:
        card: The weights' card, or None for a file of the user's own.
        path: The file.
        sha256: Its hash.
        tensors: Number of tensors.
        adapted: Names of tensors whose type was changed, such as from half precision.
    """

    card: Card | None
    path: Path
    sha256: str
    tensors: int
    adapted: tuple[str, ...]


def from_package(url: str) -> Path | None:
    """Finds ``pkg://package/path`` inside an installed package, without importing it."""
    parts = urlsplit(url)
    try:
        spec = importlib.util.find_spec(parts.netloc)
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder, unquote(parts.path.lstrip("/")))
        if path.is_file():
            return path
    return None


def from_file(url: str) -> Path | None:
    """Finds ``file:///path``."""
    path = Path(unquote(urlsplit(url).path))
    return path if path.is_file() else None


SCHEMES: dict[str, Callable[[str], Path | None]] = {"pkg": from_package, "file": from_file}
"""How a URL's scheme is turned into a local file, or None where it is not there."""


def locate(card: Card) -> tuple[Path, bytes]:
    """Returns the first of a card's files that is there and has its hash, and the bytes.

    Raises:
        WeightsError: None is there; every attempt is listed.
        HashMismatch: A file is there, but is not the one the card describes.
    """
    attempts, wrong = [], False
    for url in card.urls:
        scheme = urlsplit(url).scheme
        if scheme not in SCHEMES:
            attempts.append(f"{url}: the scheme is none of {', '.join(SCHEMES)}")
            continue
        path = SCHEMES[scheme](url)
        if path is None:
            attempts.append(f"{url}: not there")
            continue
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found == card.sha256:
            return path, content
        wrong = True
        attempts.append(f"{url}: sha256 {found} instead of {card.sha256}")
    kind = HashMismatch if wrong else WeightsError
    raise kind(
        f"No usable file for the weights {card.name!r}: {'; '.join(attempts)}.",
        hint="Reinstall the package that ships it.",
        value=card.name,
    )


def pick(registry: Registry, arch: str, tag: str | None) -> Card:
    """Returns the card of an architecture's tag, or of its first.

    Raises:
        UnknownName: It has none, or none of that tag.
    """
    cards = registry.cards_of(arch)
    if not cards:
        raise UnknownName(
            f"The model {arch!r} has no pretrained weights.", hint="See list_models(pretrained=True).", value=arch
        )
    if tag is None:
        return next(iter(cards.values()))
    if tag not in cards:
        raise UnknownName(f"The model {arch!r} has no weights {tag!r}.", hint=suggest(tag, cards), value=tag)
    return cards[tag]


def read_tensors(content: bytes, what: str) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file, from memory: a file changed meanwhile does no harm.

    Raises:
        WeightsError: The bytes are no safetensors file, or hold values that are not finite.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    if content[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise WeightsError(
            f"Expected safetensors in {what}, got a pickle, which could run code.",
            hint="Convert it with safetensors.torch.save_file.",
        )
    try:
        tensors: dict[str, Tensor] = load(content)
    except (SafetensorError, ValueError, KeyError, json.JSONDecodeError, OverflowError, RuntimeError) as error:
        raise WeightsError(
            f"Expected safetensors in {what}, got bytes that are none: {error}.", hint="Fetch the file again."
        ) from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
            raise WeightsError(f"Expected finite weights in {what}, got NaN or infinity in {name!r}.", value=name)
    return tensors


def load_into(model: VAE, registry: Registry, arch: str, which: str | Path | None) -> LoadReport:
    """Loads weights into a model, all of them or none.

    Args:
        model: At its own configuration.
        registry: Where cards are looked up.
        arch: The model's name.
        which: A tag, None for the first, or the path of a file of the user's own.

    Raises:
        UnknownName: No such tag.
        WeightsError: Nothing to load, a wrong hash, no safetensors, not finite.
        TensorMismatch: Tensors are missing, extra, of another shape or kind of number.
    """
    card = None
    if isinstance(which, Path):
        try:
            path, content = which, which.read_bytes()
        except OSError as error:
            raise WeightsError(
                f"Expected a safetensors file, cannot read {which}: {error.strerror}.", value=str(which)
            ) from error
    else:
        card = pick(registry, arch, which)
        path, content = locate(card)
    tensors = read_tensors(content, str(path))
    adapted = load_strictly(model, tensors, str(path))
    return LoadReport(card, path, hashlib.sha256(content).hexdigest(), len(tensors), adapted)


def load_strictly(model: VAE, tensors: dict[str, Tensor], what: str) -> tuple[str, ...]:
    """Loads tensors into a model if names, shapes and kinds agree; returns the names whose type was changed.

    Raises:
        TensorMismatch: One does not; the model is as it was.
    """
    own = model.state_dict()
    missing, extra = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    shapes = [
        f"{n} is {tuple(tensors[n].shape)} instead of {tuple(own[n].shape)}"
        for n in own
        if n in tensors and own[n].shape != tensors[n].shape
    ]
    kinds = [
        f"{n} is {tensors[n].dtype} instead of {own[n].dtype}"
        for n in own
        if n in tensors and own[n].is_floating_point() != tensors[n].is_floating_point()
    ]
    complaints = [
        f"{len(names)} {word}, such as {names[0]!r}"
        for word, names in (("missing", missing), ("extra", extra))
        if names
    ] + (shapes + kinds)[:3]
    if complaints:
        raise TensorMismatch(
            f"The tensors in {what} are not the model's: {'; '.join(complaints)}.",
            hint="Create the model with the configuration the weights were trained with.",
            value=(missing, extra),
        )
    model.load_state_dict(tensors, strict=True)
    return tuple(n for n in own if own[n].dtype != tensors[n].dtype)
