"""A saved model: a folder with ``model.safetensors`` and ``vaezoo.yaml``, which describes the model and its weights.

A save that breaks off leaves the folder as it was before, or complete. Until ``vaezoo.yaml`` is replaced, the former
weights stay beside the new ones, with their hash as name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from vaezoo.errors import ConfigError, HashMismatch, StoreError, VaezooError, WeightsError
from vaezoo.files.atomic import make_folder, sweep, write_whole
from vaezoo.files.header import canonical
from vaezoo.files.locks import LOCK, held
from vaezoo.files.reading import read_regular
from vaezoo.files.schema import conform
from vaezoo.files.yaml import Lined, parse_yaml, read_yaml
from vaezoo.host.beliefs import trusting_code, values_from
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.registry.cards import card_schema
from vaezoo.registry.declared import SLOTS
from vaezoo.registry.entries import HOUSE
from vaezoo.zoo.described import describe, plain, respecify, versions
from vaezoo.zoo.weights import LoadReport, load_strictly, read_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE
    from vaezoo.zoo.specs import ModelSpec

WEIGHTS, TOLD = "model.safetensors", "vaezoo.yaml"
FORMAT = 1
_WAIT_S = 60.0
_HEADER = "# Written by vaezoo.save, read by vaezoo.load.\n"

_OBJECT, _TEXT = {"type": "object"}, {"type": "string"}
_PART = {
    "type": "object",
    "properties": {"name": _TEXT, "owner": _TEXT, "params": _OBJECT},
    "required": ["name", "owner", "params"],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "format": {"enum": [FORMAT], "title": f"the format {FORMAT}, which this vaezoo reads"},
        "vaezoo": _TEXT,
        "name": _TEXT,
        "weights": {
            "type": "object",
            "properties": {"sha256": card_schema()["properties"]["sha256"], "size_bytes": {"type": "integer"}},
            "required": ["sha256", "size_bytes"],
        },
        "plugins": {"type": "object", "additionalProperties": _TEXT},
        "card": _OBJECT,
        "model": {
            "type": "object",
            "properties": {
                "name": _TEXT,
                "owner": _TEXT,
                "shared": _OBJECT,
                **{slot: {"anyOf": [_PART, {"type": "null"}]} for slot in SLOTS},
            },
            "required": ["name", "owner", "encodes", "shared", *(slot for slot in SLOTS if slot != "refine")],
        },
    },
    "required": ["format", "vaezoo", "name", "weights", "plugins", "model"],
    "additionalProperties": False,
}
"""Schema of ``vaezoo.yaml``."""


def save(model: VAE, folder: str | Path, *, card: str | Mapping[str, Any] = "", zoo: Zoo | None = None) -> Path:
    """Saves a model that :func:`vaezoo.create` made, with its present weights.

    Args:
        model: Model on any device, of any floating-point type.
        folder: Folder, which is created if missing. Files of other names in it are left alone.
        card: Description of the weights: a text, or fields of a card such as ``licence`` and ``data``, which ``vaezoo
            publish`` needs.
        zoo: Zoo whose plugins' versions are recorded. None means the installed zoo.

    Returns:
        The folder.

    Raises:
        ConfigError: The model has no origin, or differs from it. ``folder`` is a file, or contains weights that vaezoo
            did not write. A parameter of a part is not a plain value. The card has an unknown field.
        WeightsError: A weight is not finite, so that the weights could not be loaded.
        StoreError: The folder cannot be written. A model that was in it is still there.
    """
    model = getattr(model, "_orig_mod", model)  # torch.compile keeps the model there
    spec = getattr(getattr(model, "origin", None), "spec", None)
    if spec is None:
        raise ConfigError(
            f"Expected a model that vaezoo.create or vaezoo.load made, got {type(model).__name__} without an origin.",
            hint="Register its parts and create it by name, or keep its state_dict yourself.",
            value=type(model).__name__,
        )
    folder = Path(folder)
    facts = plain({"notes": card} if isinstance(card, str) else card, "the card")
    conform(facts, card_schema() | {"required": [], "anyOf": []}, "The card", "the card")
    content = _bytes_of(model)
    told = {
        "format": FORMAT,
        "vaezoo": version(HOUSE),
        "name": model.origin.name,
        "weights": {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)},
        "plugins": versions(spec, zoo or current_zoo()),
        "model": describe(spec),
        **({"card": facts} if any(facts.values()) else {}),
    }
    text = (_HEADER + yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110)).encode()
    parse_yaml(text)  # raises before anything is written if it could not be read again
    _check_parts(model, spec)
    make_folder(folder)
    busy = StoreError(f"Another process saves a model into {folder}.", hint="Wait until it ends.", value=str(folder))
    with held(folder / LOCK, busy, _WAIT_S):
        sweep(folder)
        _keep_the_last(folder)
        write_whole(folder / WEIGHTS, content)
        write_whole(folder / TOLD, text)
        for old in folder.glob(".model.*.safetensors"):
            old.unlink(missing_ok=True)
        (folder / LOCK).unlink(missing_ok=True)  # a folder to be given away; who waits has the file open already
    return folder


def load(
    folder: str | Path, *, device: Any = None, dtype: Any = None, zoo: Zoo | None = None, trust_code: bool = False
) -> VAE:
    """Loads a model that :func:`save` saved. It is equal bit for bit.

    Args:
        folder: Folder of the model.
        device: Device for the model.
        dtype: Floating-point type of the parameters. None means as saved.
        zoo: Zoo to look parts up in. None means the installed zoo.
        trust_code: Whether to import a belief or likelihood that the folder names as ``package.module:name`` and that
            no plugin declares. The author of the folder can then run any code.

    Returns:
        The model, in evaluation mode; ``model.origin`` says how it was made.

    Raises:
        ConfigError: The folder has no saved model, or its ``vaezoo.yaml`` has an unknown key or names code to import.
        HashMismatch: The weights are not those that were saved.
        WeightsError: The weights are missing, or do not fit the model.
        PluginError: A plugin that the model needs is not installed. The message names its distribution.
    """
    from vaezoo.host.asking import tell_created
    from vaezoo.zoo.create import Origin, build_model, place

    kept = zoo or current_zoo()
    folder = Path(folder)
    told = read_told(folder)
    path, content = read_weights(folder, told)
    where = f"The model in {folder}"
    with trusting_code() if trust_code else values_from(where, kept):
        spec = respecify(told["model"], told["plugins"], kept, where)
        tensors = read_tensors(content, str(path))
        model = build_model(spec, blank=True)
    _take_types(model, tensors)
    adapted = load_strictly(model, tensors, str(path))
    report = LoadReport(None, path, told["weights"]["sha256"], len(tensors), adapted)
    model.eval().origin = Origin(str(told["name"]), spec, report)
    model = place(model, device, dtype)
    tell_created(kept, str(told["name"]), model)
    return model


def is_saved(folder: str | Path) -> bool:
    """Says whether a folder has a model that :func:`save` wrote."""
    return (Path(folder) / TOLD).is_file()


def read_told(folder: Path) -> Lined:
    """Reads ``vaezoo.yaml``.

    Raises:
        ConfigError: The file is missing, has an unknown key, or has a newer format.
    """
    path = folder / TOLD
    if not path.is_file():
        raise ConfigError(
            f"Expected a folder with a {TOLD}, as vaezoo.save writes it, got {folder}.", value=str(folder)
        )
    told = read_yaml(path)
    conform(told, SCHEMA, str(path), TOLD)
    return told


def read_weights(folder: Path, told: Mapping[str, Any]) -> tuple[Path, bytes]:
    """Returns the path of the weights and their bytes, after a check of the hash in ``vaezoo.yaml``.

    Raises:
        HashMismatch: The hash differs.
        WeightsError: The file is missing.
    """
    wanted, found = told["weights"]["sha256"], ""
    cause = ""
    for path in (folder / WEIGHTS, _kept(folder, wanted)):
        try:
            content = read_regular(path, told["weights"]["size_bytes"])
        except OSError as error:
            cause = cause or ("" if isinstance(error, FileNotFoundError) else f": {error.strerror}")
            continue
        found = hashlib.sha256(content).hexdigest()
        if found == wanted:
            return path, content
    if not found:
        message = f"Expected weights at {folder / WEIGHTS}, found none{cause}."
        raise WeightsError(message, value=str(folder / WEIGHTS))
    raise HashMismatch(
        f"{folder / WEIGHTS} has sha256 {found}, but {TOLD} beside it says {wanted}.",
        hint="One of the two is not as it was saved: save or copy them again.",
        value=found,
    )


def save_file(model: VAE, path: str | Path, *, replace: bool = True) -> None:
    """Writes only the tensors of a model into a safetensors file. How the model is made must be kept elsewhere.

    Args:
        model: Model.
        path: Path of the file.
        replace: Whether an existing file may be replaced, even one that appeared a moment ago.

    Raises:
        ConfigError: The file exists and may not be replaced.
        WeightsError: A weight is not finite.
        StoreError: The file cannot be written. The former file is still there.
    """
    write_whole(Path(path), _bytes_of(model), replace=replace)


def _check_parts(model: VAE, spec: ModelSpec) -> None:
    """Raises if a model's tensors differ from those of its specification, which is what the folder describes."""
    from vaezoo.zoo.create import build_model

    wanted, found = (
        {name: tuple(tensor.shape) for name, tensor in each.state_dict().items()}
        for each in (build_model(spec, blank=True), model)
    )
    if other := sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)):
        raise ConfigError(
            f"Expected a model with the tensors of {spec.model.name!r} as it was created, but {len(other)} differ, "
            f"such as {other[0]!r}: {wanted.get(other[0], 'none')} there, {found.get(other[0], 'none')} here.",
            hint="A module was replaced after vaezoo.create; register it as a part.",
            value=other,
        )


def _bytes_of(model: VAE) -> bytes:
    import torch
    from safetensors.torch import save as to_bytes

    tensors: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
            raise WeightsError(
                f"Expected finite weights to save, got NaN or infinity in {name!r}.",
                hint="Nothing was written.",
                value=name,
            )
        tensors[name] = tensor.detach().cpu().contiguous().clone()
    return canonical(to_bytes(tensors, metadata={"vaezoo": version(HOUSE)}))


def _kept(folder: Path, sha256: str) -> Path:
    return folder / f".model.{sha256}.safetensors"


def _keep_the_last(folder: Path) -> None:
    """Keeps a copy of the present weights under their hash. Raises if vaezoo did not write them."""
    weights = folder / WEIGHTS
    if not weights.exists():
        return
    foreign = ConfigError(
        f"There is a {WEIGHTS} in {folder} that vaezoo.save did not write, so it is not replaced.",
        hint="Choose another folder.",
        value=str(weights),
    )
    try:
        found = hashlib.sha256(read_regular(weights)).hexdigest()
    except OSError as error:
        raise foreign from error
    try:
        sha256 = str(read_told(folder)["weights"]["sha256"])
    except VaezooError as error:
        if _is_ours(weights):  # a save that broke off before there was a vaezoo.yaml
            return
        raise foreign from error
    kept = _kept(folder, sha256)
    if found != sha256:
        if _is_ours(weights):  # a save that broke off after the weights; those before them are kept
            return
        raise foreign
    if kept.exists():
        return
    try:
        os.link(weights, kept)
    except OSError:  # not every file system has links
        try:
            shutil.copyfile(weights, kept)
        except OSError as error:
            raise StoreError(f"{kept} cannot be written: {error.strerror}.", value=str(kept)) from error


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            return "vaezoo" in json.loads(file.read(min(length, 10**7))).get("__metadata__", {})
    except (OSError, ValueError, AttributeError):
        return False


def _take_types(model: VAE, tensors: Mapping[str, Tensor]) -> None:
    """Gives each floating-point tensor of a model the type that it has in the file."""
    for name, own in model.state_dict(keep_vars=True).items():
        if name in tensors and own.is_floating_point() and tensors[name].is_floating_point():
            own.data = own.data.to(tensors[name].dtype)
