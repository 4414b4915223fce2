"""The files of a run: its checkpoint, its averaged weights and its record. Each is replaced as a whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from vaezoo.core import VAE
from vaezoo.errors import CheckpointError, TrainingError, WeightsError
from vaezoo.files.atomic import make_folder, sweep, write_whole
from vaezoo.files.header import canonical
from vaezoo.files.locks import LOCK, held
from vaezoo.files.reading import read_regular
from vaezoo.host.manager import current_zoo
from vaezoo.moved import former
from vaezoo.registry.registry import is_file, split_name
from vaezoo.train.packed import pack, unpack
from vaezoo.train.recipe import LATER, flatten
from vaezoo.zoo.weights import load_strictly, locate, pick, read_tensors

CHECKPOINT, WEIGHTS, RECORD = "checkpoint.safetensors", "ema.safetensors", "run.json"
PREVIOUS, DAMAGED = "checkpoint.previous.safetensors", "checkpoint.damaged.safetensors"
PICKLED = "checkpoint.pt"
"""Checkpoint of vaezoo 0.1.0, which can still be read."""

__getattr__ = partial(former, __name__)


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Creates the folder of a run, locks it against other runs, and removes half-written files of killed ones.

    The lock ends with the process, however that ends. On a file system without locks, other runs are not kept out.

    Raises:
        TrainingError: Another run uses the folder, or it cannot be created.
    """
    make_folder(out, TrainingError)
    busy = TrainingError(
        f"Another run writes into {out}.", hint="Wait until it ends, or choose another --out.", value=str(out)
    )
    with held(out / LOCK, busy):
        sweep(out)
        for left in (PICKLED, WEIGHTS, RECORD):  # as vaezoo 0.1.0 named its parts
            (out / f"{left}.part").unlink(missing_ok=True)
        yield


def save_checkpoint(out: Path, content: Mapping[str, Any]) -> None:
    """Saves all that a resumed run needs. The previous checkpoint is kept too.

    Raises:
        CheckpointError: A value has a type that cannot be saved.
        StoreError: The file cannot be written. The last checkpoint is still there.
    """
    try:
        packed = pack(content)
    except TypeError as error:
        message = f"The state of this run cannot be saved: it has {error}."
        raise CheckpointError(message, hint="Keep it in a tensor.", value=str(error)) from error
    write_whole(out / CHECKPOINT, packed, keep=out / PREVIOUS)
    if (out / PREVIOUS).exists():
        (out / PICKLED).unlink(missing_ok=True)


def load_checkpoint(out: Path, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the checkpoint of a run, or None if there is none yet.

    A damaged checkpoint is put aside with a warning, and the previous one is used.

    Args:
        out: Folder of the run.
        config: Settings that affect the weights. Those of the checkpoint must be the same.

    Raises:
        CheckpointError: No checkpoint can be read, or it belongs to another configuration.
    """
    found = read_checkpoint(out)
    if found is None:
        return None
    path, content = found
    saved, wanted = LATER | flatten(content["config"]), LATER | flatten(dict(config))
    differing = [key for key in sorted(saved.keys() | wanted.keys()) if saved.get(key) != wanted.get(key)]
    if differing:
        changes = ", ".join(f"{key} ({saved.get(key)!r}, now {wanted.get(key)!r})" for key in differing)
        raise CheckpointError(
            f"{path} was made with another configuration: {changes}.",
            hint="Use another --out, or --no-resume to start over.",
            value=differing,
        )
    return content


def read_checkpoint(out: Path) -> tuple[Path, dict[str, Any]] | None:
    """Returns the newest sound checkpoint of a run with its path, or None if there is none.

    Raises:
        CheckpointError: There are checkpoints, but none can be read.
    """
    damaged: list[tuple[Path, Exception]] = []
    for path in (out / name for name in (CHECKPOINT, PREVIOUS, PICKLED)):
        try:
            content = _pickled(path) if path.name == PICKLED else unpack(read_regular(path))
            dict(content["config"])
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}.", value=str(path)) from error
        except Exception as error:  # torch.load raises many kinds, with advice to trust the file
            damaged.append((path, error))
            continue
        for other, cause in damaged:
            warnings.warn(
                f"vaezoo: {other} is damaged ({cause}), so the run goes on from {path}, step {content['step']}",
                stacklevel=2,
            )
            with suppress(FileNotFoundError):  # another process of the same run was faster
                os.replace(other, out / DAMAGED)  # so that it never becomes the previous one
        return path, content
    if not damaged:
        return None
    path, cause = damaged[0]
    raise CheckpointError(
        f"{path} is no checkpoint of vaezoo, or is damaged ({type(cause).__name__}).",
        hint="Train in another folder, or over it with --no-resume.",
        value=str(path),
    ) from cause


def _pickled(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(io.BytesIO(read_regular(path)), map_location="cpu", weights_only=True)
    return content


def refuse_other_start(out: Path, sha256: str, start: Path) -> None:
    """Raises if a run did not start from a file in its present state.

    Args:
        out: Folder of the run.
        sha256: Hash of the weights that the run started from. Empty if unknown.
        start: Path of the weights.

    Raises:
        CheckpointError: The run started from other weights.
    """
    if sha256 and sha256 != hashlib.sha256(read_regular(start)).hexdigest():
        raise CheckpointError(
            f"The run in {out} did not start from the present content of {start}.",
            hint="Remove the folder to train this stage again, or choose another --out.",
            value=str(out),
        )


def save_weights(out: Path, weights: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """Saves a model's weights as safetensors, with a description in the header. Returns the sha256 of the file."""
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    content = canonical(save(tensors, metadata=dict(about)))
    write_whole(out / WEIGHTS, content)
    return hashlib.sha256(content).hexdigest()


def warm_start(model: VAE, path: str, *, grow: bool = False, shed: bool = False) -> str:
    """Loads weights of the same model. Returns the sha256 of their file.

    Args:
        model: Model that receives the weights.
        path: Path of a safetensors file, or name of weights in the zoo, such as ``denoise.open``. They are downloaded
            if they are not on this machine.
        grow: Whether the file may lack whole modules that can start as identities: those with a method
            ``start_as_identity``. The larger model then computes what the smaller one did.
        shed: Whether to leave out tensors of the file that the model lacks, such as a residual block's.

    Raises:
        UnknownName: No weights have the name.
        WeightsError: The file is missing, is not a safetensors file, or is not finite.
        TensorMismatch: The tensors are not the model's.
    """
    content = _content_of(path)
    tensors = read_tensors(content, path)
    if grow:
        own = model.state_dict()
        grown = _start_as_identities(model, own.keys() - tensors.keys())
        tensors |= {name: own[name] for name in own.keys() - tensors.keys() if name.startswith(grown)}
    if shed:
        tensors = {name: value for name, value in tensors.items() if name in model.state_dict()}
    load_strictly(model, tensors, path)
    return hashlib.sha256(content).hexdigest()


def _content_of(path: str) -> bytes:
    if not is_file(path):
        arch, tag = split_name(path)
        return locate(pick(current_zoo().registry, arch, tag))[1]
    try:
        return read_regular(path)
    except OSError as error:
        raise WeightsError(
            f"warm_start: {path} cannot be read: {error.strerror}.",
            hint="Name existing weights. A recipe that continues another one names it under the key after.",
            value=path,
        ) from error


def _start_as_identities(model: nn.Module, missing: Set[str]) -> tuple[str, ...]:
    """Turns each module that lacks all its tensors into an identity if it can be one. Returns their prefixes."""
    grown = []
    for name, module in model.named_modules():
        inside = {f"{name}.{key}" for key in module.state_dict()}
        if hasattr(module, "start_as_identity") and inside <= missing:
            module.start_as_identity()
            grown.append(f"{name}.")
    return tuple(grown)


def read_record(out: Path) -> dict[str, Any]:
    """Returns the record of a run; empty if there is none, or half a file."""
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def has_its_weights(out: Path) -> bool:
    """Returns whether a run's weights are there and are those of its record. Older records do not name them."""
    wanted = read_record(out).get("weights_sha256", "")
    try:
        content = read_regular(out / WEIGHTS)
    except OSError:
        return False
    return not wanted or hashlib.sha256(content).hexdigest() == wanted


def save_record(out: Path, record: Mapping[str, Any]) -> None:
    """Saves the record of a run as JSON."""
    write_whole(out / RECORD, (json.dumps(record, indent=2) + "\n").encode())
