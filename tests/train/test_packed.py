"""A checkpoint's bytes give back what was packed, to the type and the stride."""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from vaezoo.errors import CheckpointError
from vaezoo.train.checkpoint import save_checkpoint
from vaezoo.train.packed import pack, unpack


def test_what_is_packed_is_unpacked() -> None:
    shared = torch.arange(4.0)
    plain: dict[str, Any] = {
        "none": None, "yes": True, "int": 2**60, "float": 0.1, "inf": math.inf, "text": 'ü"\n', "list": [1, [2], ()],
        "tuple": (0.9, 0.999), "keys": {0: "a", "0": "b", None: "c"}, "empty": {},
    }  # fmt: skip
    tensors = {
        "half": torch.ones(2, 3, dtype=torch.bfloat16),
        "bool": torch.tensor(True),
        "none": torch.zeros(0, 3),
        "state": torch.get_rng_state(),
        "one": shared,
        "two": shared[1:],
        "last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "nan": torch.tensor([math.nan]),
    }
    found = unpack(pack({**plain, "tensors": tensors}))
    again = found.pop("tensors")
    assert found == plain and [type(each) for each in found["list"]] == [int, list, tuple]
    for name, tensor in tensors.items():
        assert again[name].dtype == tensor.dtype and again[name].stride() == tensor.stride()
        torch.testing.assert_close(again[name], tensor, rtol=0, atol=0, equal_nan=True)


def test_the_versions_of_modules_are_kept() -> None:
    state = nn.BatchNorm2d(3).state_dict()
    found = unpack(pack({"state": state}))["state"]
    assert isinstance(found, OrderedDict) and found._metadata == state._metadata  # type: ignore[attr-defined]
    nn.BatchNorm2d(3).load_state_dict(found)


def test_what_no_checkpoint_can_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="it has a set, which no checkpoint can hold"):
        save_checkpoint(tmp_path, {"of a plugin": {1}})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pack({})[:-1], pack({}) + b"x", b"\x02" + bytes(7) + b"{}"])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        unpack(content)
