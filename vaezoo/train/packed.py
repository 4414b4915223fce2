"""The format of checkpoints: a safetensors file whose header describes the structure and has a hash of the file.

It is not a pickle, so reading one of unknown origin runs no code.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vaezoo.files.header import canonical, read_header

_NO_HASH = "0" * 64


def pack(content: Mapping[str, Any]) -> bytes:
    """Packs nested mappings, lists and tuples of tensors and plain values into bytes.

    Raises:
        TypeError: A value has another type, which the message names.
    """
    tensors: dict[str, Tensor] = {}
    around = json.dumps(_described(dict(content), tensors))
    whole = canonical(save(tensors, metadata={"content": around, "sha256": _NO_HASH}))
    return _with_hash(whole, _NO_HASH, hashlib.sha256(whole).hexdigest())


def unpack(content: bytes) -> dict[str, Any]:
    """Undoes :func:`pack`. All tensors are on the CPU.

    Raises:
        ValueError: The bytes are not those that :func:`pack` returned.
    """
    try:
        about = read_header(content)[0]["__metadata__"]
        stated = str(about["sha256"])
        plain = _with_hash(content, stated, _NO_HASH)
        if hashlib.sha256(plain).hexdigest() != stated:
            raise ValueError("its sha256 is not the one it states")
        found: dict[str, Any] = _built(json.loads(about["content"]), load(content))
        return found
    except (KeyError, TypeError, AttributeError, SafetensorError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _with_hash(content: bytes, old: str, new: str) -> bytes:
    begin = read_header(content)[1]
    return content[:begin].replace(f'"sha256":"{old}"'.encode(), f'"sha256":"{new}"'.encode(), 1) + content[begin:]


def _described(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Converts a value for JSON. A container becomes a list that begins with its kind, and a tensor its name."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        own = value.detach().cpu()
        last = own.dim() == 4 and not own.is_contiguous() and own.is_contiguous(memory_format=torch.channels_last)
        tensors[name] = own.contiguous().clone()
        return ["tensor", name, last]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        items = [[_described(key, tensors), _described(each, tensors)] for key, each in value.items()]
        versions = getattr(value, "_metadata", None)  # of a module's state_dict
        return ["mapping", items, None if versions is None else _described(dict(versions), tensors)]
    if isinstance(value, (list, tuple)):
        return [
            type(value).__name__ if type(value) in (list, tuple) else "list",
            [_described(v, tensors) for v in value],
        ]
    raise TypeError(f"a {type(value).__name__}, which no checkpoint can hold")


def _built(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(value, list):
        return value
    kind, inside, *more = value
    if kind == "tensor":
        found = tensors[inside]
        return found.contiguous(memory_format=torch.channels_last) if more[0] else found
    if kind == "mapping":
        pairs = {_built(key, tensors): _built(each, tensors) for key, each in inside}
        if more[0] is None:
            return pairs
        state: Any = OrderedDict(pairs)
        state._metadata = OrderedDict(_built(more[0], tensors))
        return state
    items = [_built(each, tensors) for each in inside]
    return tuple(items) if kind == "tuple" else items
