"""Finding weights by URL, checking them by hash and loading them strictly. Pickles are never read."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
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
from vaezoo.files.reading import read_regular
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

_LONGEST_HEADER = 16 * 2**20
"""Bytes of a safetensors header: enough for 100 000 tensors."""


@dataclass(frozen=True)
class LoadReport:
    """What was loaded.

    Attributes:
        card: Card of the weights; None for a file of the user's.
        path: Path of the file. Where the cache cannot be written, the path it would have had.
        sha256: Hash of the file.
        tensors: Number of tensors.
        adapted: Names of the tensors whose type was converted, such as from half precision.
        content: :func:`digest_of` the model after loading. Set only where the card has a calibration, which holds for
            these weights alone.
    """

    card: Card | None
    path: Path
    sha256: str
    tensors: int
    adapted: tuple[str, ...]
    content: str = ""


HINTS: dict[type[VaezooError], str] = {
    SizeMismatch: "Reinstall the package that ships it, or tell the author of its card. The file was not used.",
    HashMismatch: "Reinstall the package that ships it, or tell the author of its card. The file was not used.",
    StoreError: "Free some space (vaezoo cache prune), or set VAEZOO_HOME to another disk.",
    OfflineError: "Fetch it with the network on (vaezoo fetch NAME)",
    NetworkError: "Check the network, the proxy (HTTPS_PROXY) or the mirror (VAEZOO_MIRROR)",
    BackendUnavailable: "Install what it names.",
    WeightsError: "Reinstall the package that ships it.",
}
"""Hints for the case that no file is usable, by the worst failure, worst first."""


def locate(card: Card, store: Store | None = None, *, fetch: bool = True, zoo: Zoo | None = None) -> tuple[Path, bytes]:
    """Finds the first file of a card that can be had and has the right hash. Returns its path and its bytes.

    Args:
        card: Card with the URLs, tried in order, and the hash.
        store: Store of downloaded files. None means the usual one.
        fetch: Whether files that are not on this machine may be fetched.
        zoo: Zoo whose plugins add sources and may refuse weights. None means the installed zoo.

    Raises:
        PluginError: A plugin that must say whether the weights may be used failed.
        HashMismatch: A file was found, but is not the one the card describes.
        SizeMismatch: A file was found, but has another length.
        StoreError: The cache has no space.
        OfflineError: The file is not on this machine, and the network must not be used.
        NetworkError: The file cannot be fetched.
        BackendUnavailable: A package that would fetch the file is not installed.
        WeightsError: The file is nowhere, or a plugin refuses it. All these errors list every attempt.
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
    """Returns the file behind one URL of a card and its bytes; raises if that is not possible."""
    url = mirrored(url)
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise WeightsError(f"it is no URL: {error}", value=url) from error
    if scheme in LOCAL:
        path = LOCAL[scheme](url)
        if path is None:
            raise WeightsError("not there", value=url)
        content = read_regular(path)
        found = hashlib.sha256(content).hexdigest()
        if found != card.sha256:
            raise HashMismatch(f"sha256 {found} instead of {card.sha256}", value=found)
        return path, content
    filler = source_of(scheme, zoo.registry)
    cards = {owner: name for name, owner, each in zoo.registry.cards.all() if each.sha256 == card.sha256}
    if kept := store.read(card.sha256, cards):
        return kept
    off = offline()
    if not fetch or (off and scheme != "hf"):
        raise OfflineError(f"not on this machine, and {off} is set" if off else "not on this machine", value=url)
    return store.fill(card.sha256, card.size_bytes, lambda part, size: filler(url, part, size), cards)


def pick(registry: Registry, arch: str, tag: str | None) -> Card:
    """Returns the card of a model's tag, or its default card.

    The default is the one that the model declares, or else the first of its owner. Weights of other distributions have
    to be asked for by tag, so that installing a distribution changes nothing.

    Raises:
        UnknownName: The model has no weights, or none with this tag.
        DuplicateName: Two plugins have weights with this tag.
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
    """Reads the tensors of a safetensors file from its bytes, so that a change of the file meanwhile does no harm.

    Raises:
        WeightsError: The bytes are not a safetensors file, or a value is not finite.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        _check_header(content)
        tensors: dict[str, Tensor] = load(content)
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
    """Says whether all values are finite, also in single precision.

    The sum of all values is the faster test, but it can overflow.
    """
    import torch

    wide = tensor if tensor.itemsize > 1 else tensor.float()  # torch has no sum in 8 bits
    return math.isfinite(wide.sum(dtype=torch.float32).item()) or bool(tensor.float().isfinite().all())


def _check_header(content: bytes) -> None:
    """Raises ValueError where a header is too long, or names a tensor or a key of one twice: the reader takes the last.

    Looked at first, in time that grows with the header alone; what else is wrong with it, the reader says.
    """
    length = int.from_bytes(content[:8], "little")
    if _LONGEST_HEADER < length <= len(content):
        raise ValueError(f"its header has {length} bytes, more than {_LONGEST_HEADER}")
    doubles: list[str] = []

    def once(pairs: list[tuple[str, object]]) -> None:
        doubles.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)

    with suppress(ValueError, RecursionError):
        json.loads(content[8 : 8 + length], object_pairs_hook=once)
    if doubles:
        raise ValueError(f"its header has {doubles[0]!r} twice")


def load_into(
    model: VAE, registry: Registry, arch: str, which: str | Path | None, *, zoo: Zoo | None = None
) -> LoadReport:
    """Loads weights into a model, all of them or none.

    Args:
        model: Model, made with the configuration of the weights.
        registry: Registry to look cards up in.
        arch: Name of the model.
        which: Tag of the weights, None for the default, or the path of a file of the user's.
        zoo: Zoo whose plugins are asked. None means the installed zoo.

    Raises:
        UnknownName: The model has no weights with this tag.
        WeightsError: The weights are missing, have a wrong hash, are not safetensors or are not finite.
        TensorMismatch: Tensors are missing, extra, or of another shape or kind of number.
    """
    card = None
    if isinstance(which, Path):
        try:
            path, content = which, read_regular(which)
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
    digest = card.sha256 if card else hashlib.sha256(content).hexdigest()  # locate has checked the card's
    own = digest_of(model) if card and card.calibration else ""
    return LoadReport(card, path, digest, len(tensors), changed, own)


def digest_of(model: nn.Module) -> str:
    """Hashes a model's tensors in half precision, so that device and type (float32, float16) do not matter."""
    import torch

    found = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        plain = tensor.to("cpu", torch.float16 if tensor.is_floating_point() else tensor.dtype)
        found.update(name.encode() + plain.contiguous().numpy().tobytes())
    return found.hexdigest()


def load_strictly(model: VAE, tensors: dict[str, Tensor], what: str) -> tuple[str, ...]:
    """Loads tensors into a model if names, shapes and kinds agree. Returns the names whose type was converted.

    A file without a `vaezoo.core.Revision` for a part counts as revision 1.

    Raises:
        TensorMismatch: A tensor does not fit. The model is left unchanged.
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
    """Says whether two tensors have the same shape and kind of number, or are both floating-point."""
    both = mine.is_floating_point() and theirs.is_floating_point()
    return mine.shape == theirs.shape and (mine.dtype == theirs.dtype or both)
