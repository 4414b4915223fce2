"""Weights: found by URL, trusted by hash, loaded strictly. Never pickle."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vaezoo.errors import (
    BackendUnavailable,
    HashMismatch,
    NetworkError,
    OfflineError,
    SizeMismatch,
    StoreError,
    TensorMismatch,
    UnknownName,
    VaezooError,
    WeightsError,
    suggest,
)
from vaezoo.host.asking import adapted, refuse_weights, source_of
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.registry.cards import Card
from vaezoo.registry.registry import Registry
from vaezoo.store.connection import shown
from vaezoo.store.schemes import LOCAL, from_package, mirrored, offline
from vaezoo.store.store import Store

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vaezoo.core import VAE

__all__ = ["LoadReport", "digest_of", "from_package", "load_into", "load_strictly", "locate", "pick", "read_tensors"]


@dataclass(frozen=True)
class LoadReport:
    """What was loaded.

    Attributes:
        card: The weights' card, or None for a file of the user's own.
        path: The file; where the cache cannot be written, the one it would have been.
        sha256: Its hash.
        tensors: Number of tensors.
        adapted: Names of tensors whose type was changed, such as from half precision.
        content: :func:`digest_of` the model after it, where the card has a calibration, which is of those weights.
    """

    card: Card | None
    path: Path
    sha256: str
    tensors: int
    adapted: tuple[str, ...]
    content: str = ""


HINTS: dict[type[VaezooError], str] = {
    SizeMismatch: "Reinstall the package that ships it, or tell whoever wrote its card; nothing of it was used.",
    HashMismatch: "Reinstall the package that ships it, or tell whoever wrote its card; nothing of it was used.",
    StoreError: "Free some space (vaezoo cache prune), or set VAEZOO_HOME to another disk.",
    OfflineError: "Fetch it with the network on (vaezoo fetch NAME)",
    NetworkError: "Look at the network, a proxy (HTTPS_PROXY) or a mirror (VAEZOO_MIRROR)",
    BackendUnavailable: "Install what it names.",
    WeightsError: "Reinstall the package that ships it.",
}
"""What to do where no file is usable, by the worst that happened, worst first."""


def locate(card: Card, store: Store | None = None, *, fetch: bool = True, zoo: Zoo | None = None) -> tuple[Path, bytes]:
    """Returns the first of a card's files that is to be had and has its hash, and the bytes.

    Args:
        card: Names the URLs, tried in order, and the hash.
        store: Where remote files are kept; None takes the usual one.
        fetch: Whether a file that is not on this machine may be fetched.
        zoo: Whose plugins know further sources, and say what may be used; the installed zoo where None.

    Raises:
        PluginError: A plugin that is to say whether they may be used cannot.
        HashMismatch: A file is to be had, but is not the one the card describes.
        SizeMismatch: One of another length is to be had.
        StoreError: The cache has no space.
        OfflineError: It is not on this machine, and the network is not to be used.
        NetworkError: It cannot be fetched.
        BackendUnavailable: A package that would fetch it is not installed.
        WeightsError: It is nowhere, or a plugin refuses it. Whatever is raised, every attempt is listed.
    """
    store, zoo = store or Store(), zoo or current_zoo()
    refuse_weights(zoo, card)
    attempts: list[tuple[str, VaezooError]] = []
    for url in card.urls:
        try:
            return _obtain(card, url, store, fetch, zoo)
        except VaezooError as error:
            attempts.append((url, error))
        except OSError as error:
            attempts.append((url, StoreError(f"{error.filename or store.folder}: {error.strerror}")))
    kind = next((k for k in HINTS if any(isinstance(error, k) for _, error in attempts)), WeightsError)
    hint = HINTS[kind]
    if kind in (OfflineError, NetworkError):
        hint += (
            f", or bring the file ({card.size_bytes} bytes, sha256 {card.sha256}) and put it at "
            f"{store.path_of(card.sha256)}, or into a folder for vaezoo cache seed."
        )
    listed = "; ".join(f"{shown(url)}: {error}" for url, error in attempts)
    raise kind(f"No usable file for the weights {card.name!r}: {listed}.", hint=hint, value=card.name)


def _obtain(card: Card, url: str, store: Store, fetch: bool, zoo: Zoo) -> tuple[Path, bytes]:
    """Returns a file by one of its URLs; raises where that is not possible."""
    url = mirrored(url)
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise WeightsError(f"it is no URL: {error}", value=url) from error
    if scheme in LOCAL:
        path = LOCAL[scheme](url)
        if path is None:
            raise WeightsError("not there", value=url)
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != card.sha256:
            raise HashMismatch(f"sha256 {found} instead of {card.sha256}", value=found)
        return path, content
    filler = source_of(scheme, zoo.registry)
    if kept := store.read(card.sha256):
        return kept
    off = offline()
    if not fetch or (off and scheme != "hf"):
        raise OfflineError(f"not on this machine, and {off} is set" if off else "not on this machine", value=url)
    return store.fill(card.sha256, card.size_bytes, lambda part, size: filler(url, part, size))


def pick(registry: Registry, arch: str, tag: str | None) -> Card:
    """Returns the card of an architecture's tag; without one its default.

    The default is the one that the model declares, or else the first of its owner's. Weights that another
    distribution brings are asked for by their tag, so that installing one changes nothing.

    Raises:
        UnknownName: It has none, or none of that tag.
        DuplicateName: Two plugins have one of that tag.
    """
    cards = registry.cards_of(arch)
    if (
        tag is not None
        and tag not in cards
        and (shared := f"{arch.rpartition('/')[2]}.{tag}") in registry.cards.entries
    ):
        return registry.cards.get(shared)
    if not cards:
        raise UnknownName(
            f"The model {arch!r} has no pretrained weights.", hint="See list_models(pretrained=True).", value=arch
        )
    if tag is None:
        return _default(registry, arch, cards)
    if tag not in cards:
        raise UnknownName(f"The model {arch!r} has no weights {tag!r}.", hint=suggest(tag, cards), value=tag)
    return cards[tag]


def _default(registry: Registry, arch: str, cards: Mapping[str, Card]) -> Card:
    if arch.rpartition("/")[2] not in registry.models.entries:
        return next(iter(cards.values()))
    model = registry.models.get(arch)
    declared = str(model.body.get("default_weights", ""))
    own = registry.cards_of(arch, model.source.owner.partition(":")[0])
    found = own.get(declared) or cards.get(declared) or next(iter(own.values()), None)
    if found is None:
        raise UnknownName(
            f"The model {arch!r} has no weights of its own; other plugins' are asked for by their tag.",
            hint=f"Say {' or '.join(card.name for card in cards.values())}.",
            value=arch,
        )
    return found


def read_tensors(content: bytes, what: str) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file, from memory: a file changed meanwhile does no harm.

    Raises:
        WeightsError: The bytes are no safetensors file, or hold values that are not finite.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors: dict[str, Tensor] = load(content)
        _refuse_doubles(content)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RuntimeError) as error:
        # looked at only now: a sound header of 640 bytes begins as a pickle does
        if content[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
            raise WeightsError(
                f"Expected safetensors in {what}, got a pickle, which could run code.",
                hint="Convert it with safetensors.torch.save_file.",
                value=what,
            ) from error
        cause = str(error).partition("\n")[0].removeprefix("Error while deserializing: ")
        raise WeightsError(
            f"Expected safetensors in {what}, got bytes that are none: {cause}.",
            hint="Fetch the file again.",
            value=what,
        ) from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not _is_finite(tensor):
            raise WeightsError(f"Expected finite weights in {what}, got NaN or infinity in {name!r}.", value=name)
    return tensors


def _is_finite(tensor: Tensor) -> bool:
    """Says whether all values are, also in single precision; their sum is the faster answer, but can overflow."""
    import torch

    wide = tensor if tensor.itemsize > 1 else tensor.float()  # there is no sum in 8 bits
    return math.isfinite(wide.sum(dtype=torch.float32).item()) or bool(tensor.float().isfinite().all())


def _refuse_doubles(content: bytes) -> None:
    """Raises ValueError where a sound header names a tensor, or a key of one, twice: the reader takes the last."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError(f"its header has {max(names, key=names.count)!r} twice")
        return dict(pairs)

    json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")], object_pairs_hook=once)


def load_into(
    model: VAE, registry: Registry, arch: str, which: str | Path | None, *, zoo: Zoo | None = None
) -> LoadReport:
    """Loads weights into a model, all of them or none.

    Args:
        model: At its own configuration.
        registry: Where cards are looked up.
        arch: The model's name.
        which: A tag, None for the first, or the path of a file of the user's own.
        zoo: Whose plugins are asked; the installed zoo where None.

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
        path, content = locate(card, zoo=zoo)
    tensors = read_tensors(content, str(path))
    if arch.rpartition("/")[2] in registry.models.entries:
        declared = registry.models.get(arch)
        tensors = adapted(zoo or current_zoo(), declared.name, declared.source.owner, tensors)
    changed = load_strictly(model, tensors, str(path))
    digest = card.sha256 if card else hashlib.sha256(content).hexdigest()  # which locate has made sure of
    own = digest_of(model) if card and card.calibration else ""
    return LoadReport(card, path, digest, len(tensors), changed, own)


def digest_of(model: nn.Module) -> str:
    """Returns a hash of a model's tensors, in half precision: on any device, as float32 or float16, it is the same."""
    import torch

    found = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        plain = tensor.to("cpu", torch.float16 if tensor.is_floating_point() else tensor.dtype)
        found.update(name.encode() + plain.contiguous().numpy().tobytes())
    return found.hexdigest()


def load_strictly(model: VAE, tensors: dict[str, Tensor], what: str) -> tuple[str, ...]:
    """Loads tensors into a model if names, shapes and kinds agree; returns the names whose type was changed.

    A file from before a part had a `vaezoo.core.Revision` is one of revision 1.

    Raises:
        TensorMismatch: One does not; the model is as it was.
    """
    from vaezoo.core import with_revisions

    own, tensors = model.state_dict(), with_revisions(model, tensors)
    if own.keys() == tensors.keys() and all(_fits(own[n], tensors[n]) for n in own):
        model.load_state_dict(tensors, strict=True)
        return tuple(n for n in own if own[n].dtype != tensors[n].dtype)
    missing, extra = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    shapes = [
        f"{n} is {tuple(tensors[n].shape)} instead of {tuple(own[n].shape)}"
        for n in own
        if n in tensors and own[n].shape != tensors[n].shape
    ]
    kinds = [
        f"{n} is {tensors[n].dtype} instead of {own[n].dtype}"
        for n in own
        if n in tensors and own[n].shape == tensors[n].shape and not _fits(own[n], tensors[n])
    ]
    complaints = [
        f"{len(names)} {word}, such as {names[0]!r}"
        for word, names in (("missing", missing), ("extra", extra))
        if names
    ] + (shapes + kinds)[:3]
    raise TensorMismatch(
        f"The tensors in {what} are not the model's: {'; '.join(complaints)}.",
        hint="Create the model with the configuration the weights were trained with.",
        value=(missing, extra),
    )


def _fits(mine: Tensor, theirs: Tensor) -> bool:
    """Says whether a tensor has another's shape, and its kind of number or both are fractions."""
    both = mine.is_floating_point() and theirs.is_floating_point()
    return mine.shape == theirs.shape and (mine.dtype == theirs.dtype or both)
