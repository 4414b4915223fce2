"""What a run leaves on disk, each file replaced as a whole: its checkpoint, its averaged weights, its record."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from vaezoo.core import VAE
from vaezoo.errors import CheckpointError, WeightsError
from vaezoo.host.manager import current_zoo
from vaezoo.registry.registry import is_file, split_name
from vaezoo.train.recipe import LATER, flatten
from vaezoo.zoo.weights import load_strictly, locate, pick, read_tensors

CHECKPOINT, WEIGHTS, RECORD = "checkpoint.pt", "ema.safetensors", "run.json"


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file beside ``path``, flushes it to disk and moves it there, so that no half file is ever seen."""
    part = path.with_name(path.name + ".part")
    write(part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def save_checkpoint(out: Path, content: Mapping[str, Any]) -> None:
    """Saves everything that a resumed run needs."""
    replace_file(out / CHECKPOINT, lambda part: torch.save(dict(content), part))


def load_checkpoint(out: Path, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the checkpoint of a run, or None where there is none yet.

    Args:
        out: The folder of the run.
        config: What decides the weights; the checkpoint's has to be the same.

    Raises:
        CheckpointError: The file cannot be read, or belongs to another configuration.
    """
    path = out / CHECKPOINT
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        saved = LATER | flatten(content["config"])
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.", value=str(path)) from error
    except Exception as error:  # torch.load raises many kinds, with advice to trust the file
        raise CheckpointError(
            f"{path} is no checkpoint of vaezoo, or is damaged ({type(error).__name__}).",
            hint="Train in another folder, or over it with --no-resume.",
            value=str(path),
        ) from error
    wanted = LATER | flatten(dict(config))
    differing = [key for key in sorted(saved.keys() | wanted.keys()) if saved.get(key) != wanted.get(key)]
    if differing:
        changes = ", ".join(f"{key} ({saved.get(key)!r}, now {wanted.get(key)!r})" for key in differing)
        raise CheckpointError(
            f"{path} was made with another configuration: {changes}.",
            hint="Use another --out, or --no-resume to start over.",
            value=differing,
        )
    return content


def refuse_other_start(out: Path, sha256: str, start: Path) -> None:
    """Refuses a run that did not start from a file as it is now.

    Args:
        out: Folder of the run.
        sha256: Hash of the weights that it started from; empty where that is not known.
        start: The file.

    Raises:
        CheckpointError: It started from other weights.
    """
    if sha256 and sha256 != hashlib.sha256(start.read_bytes()).hexdigest():
        raise CheckpointError(
            f"The run in {out} did not start from {start} as that is now.",
            hint="Remove the folder to train this stage again, or choose another --out.",
            value=str(out),
        )


def save_weights(out: Path, weights: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Saves a model's weights as safetensors, with a few words about them in the header."""
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    replace_file(out / WEIGHTS, lambda part: part.write_bytes(save(tensors, metadata=dict(about))))


def warm_start(model: VAE, path: str, *, grow: bool = False, shed: bool = False) -> str:
    """Loads weights of the same model, and returns the sha256 of their file.

    Args:
        model: What is to start from them.
        path: A safetensors file, or the name of weights on the shelf, such as ``denoise.open``; fetched where they are
            not on this machine.
        grow: Whether the file may lack whole modules that can start as identities: those that have a method
            ``start_as_identity``. The model then gives what the smaller one gave.
        shed: Whether tensors of the file that the model lacks are left out, such as a residual block's.

    Raises:
        UnknownName: No weights are called so.
        WeightsError: It is missing, no safetensors file or not finite.
        TensorMismatch: Its tensors are not the model's.
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
        return Path(path).read_bytes()
    except OSError as error:
        raise WeightsError(
            f"warm_start: {path} cannot be read: {error.strerror}.",
            hint="Name weights that are there; a recipe that goes on from another one's says so by its key after.",
            value=path,
        ) from error


def _start_as_identities(model: nn.Module, missing: Set[str]) -> tuple[str, ...]:
    """Makes an identity of each module that can be one and of which everything is missing; returns their prefixes."""
    grown = []
    for name, module in model.named_modules():
        inside = {f"{name}.{key}" for key in module.state_dict()}
        if hasattr(module, "start_as_identity") and inside <= missing:
            module.start_as_identity()
            grown.append(f"{name}.")
    return tuple(grown)


def save_record(out: Path, record: Mapping[str, Any]) -> None:
    """Saves what is known about a run as JSON."""
    replace_file(out / RECORD, lambda part: part.write_text(json.dumps(record, indent=2) + "\n"))
