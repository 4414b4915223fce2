"""Files that are not what their ending says: one named error each, no crash, no wrong tensor, no memory taken."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file

from vaezoo import create
from vaezoo.errors import TensorMismatch, WeightsError
from vaezoo.zoo.weights import read_tensors

EIGHT = bytes(range(8))


def tensor(dtype: Any = "F32", shape: Any = (2,), at: Any = (0, 8), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": at, **more}


def file(header: Any, body: bytes = EIGHT, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def twice(*entries: dict[str, Any]) -> bytes:
    return b"{" + b",".join(b'"a":' + json.dumps(entry).encode() for entry in entries) + b"}"


GOOD = file({"a": tensor()})
MALFORMED: dict[str, tuple[bytes, str]] = {
    "zero length": (b"", "header too small"),
    "less than a header's length": (GOOD[:5], "header too small"),
    "nothing but a header's length": (GOOD[:8], "invalid header length"),
    "truncated header": (GOOD[:30], "invalid header length"),
    "truncated body": (GOOD[:-1], "incomplete metadata, file not fully covered"),
    "header longer than the file": (file({"a": tensor()}, length=10**6), "invalid header length"),
    "header of 100 MB": (file({"a": tensor()}, length=10**8 + 1), "header too large"),
    "header of 9 exabytes": (file({"a": tensor()}, length=2**63), "header too large"),
    "header of 2^64 - 1 bytes": (file({"a": tensor()}, length=2**64 - 1), "header too large"),
    "header of no bytes": (file(b""), "invalid JSON"),
    "header that is no JSON": (file(b"hello there"), "invalid JSON"),
    "header that is no UTF-8": (file(b'{"\xff":1}'), "invalid UTF-8"),
    "header that is a list": (file(b"[]"), "invalid type: sequence"),
    "header nested 100,000 deep": (file(b'{"a":' + b"[" * 10**5 + b"]" * 10**5 + b"}"), "recursion limit"),
    "entry that is a number": (file({"a": 3}), "invalid type: integer `3`"),
    "entry without offsets": (file({"a": {"dtype": "F32", "shape": [2]}}), "missing field `data_offsets`"),
    "name that is half a character": (file(twice(tensor()).replace(b"a", b"\\ud800", 1)), "invalid JSON"),
    "one name twice, other bytes": (
        file(twice(tensor(shape=[1], at=[0, 4]), tensor(shape=[1], at=[4, 8]))),
        "its header has 'a' twice",
    ),
    "one name twice, other shape": (file(twice(tensor(), tensor(shape=[1, 2]))), "its header has 'a' twice"),
    "one name twice, the same": (file(twice(tensor(), tensor())), "its header has 'a' twice"),
    "overlapping offsets": (file({"a": tensor(), "b": tensor(at=(4, 12))}, bytes(12)), "invalid offset"),
    "two tensors at one place": (file({"a": tensor(), "b": tensor()}), "invalid offset"),
    "a gap": (file({"a": tensor(), "b": tensor(at=(12, 20))}, bytes(20)), "invalid offset for tensor `b`"),
    "a gap at the start": (file({"a": tensor(at=(4, 12))}, bytes(12)), "invalid offset for tensor `a`"),
    "trailing bytes": (GOOD + b"more", "file not fully covered"),
    "offsets beyond the buffer": (file({"a": tensor(shape=(200,), at=(0, 800))}), "file not fully covered"),
    "4 TiB of tensor": (file({"a": tensor(shape=(2**40,), at=(0, 2**42))}), "file not fully covered"),
    "offsets that run backwards": (file({"a": tensor(at=(8, 0))}), "invalid offset"),
    "negative offsets": (file({"a": tensor(at=(-8, 0))}), "invalid value: integer `-8`"),
    "unknown dtype": (file({"a": tensor("F31")}), "unknown variant `F31`"),
    "dtype that is a number": (file({"a": tensor(3)}), "invalid type: integer `3`"),
    "dtype that torch has not": (file({"a": tensor("F6_E2M3", (8,), (0, 6))}, bytes(6)), "'F6_E2M3'"),
    "negative shape": (file({"a": tensor(shape=(-2,))}), "invalid value: integer `-2`"),
    "broken shape": (file({"a": tensor(shape=(2.0,))}), "invalid type: floating point"),
    "shape whose product overflows": (file({"a": tensor(shape=(2**62, 2**62))}), "overflow"),
    "shape whose product wraps to 0": (file({"a": tensor(shape=(2**32, 2**32), at=(0, 0))}, b""), "overflow"),
    "0 of more than can be counted": (file({"a": tensor(shape=(0, 2**63), at=(0, 0))}, b""), "Overflow"),
    "shape that needs more bytes": (file({"a": tensor(shape=(3,))}), "invalid shape, data type, or offset"),
    "shape that needs fewer bytes": (file({"a": tensor(shape=(1,))}), "invalid shape, data type, or offset"),
    "metadata that is no text": (file({"__metadata__": {"a": 3}, "a": tensor()}), "expected a string"),
    "a web page": (b"<html>Please log in</html>", "header too large"),
    "NaN": (file({"a": tensor()}, struct.pack("<2f", 1, float("nan"))), "NaN or infinity in 'a'"),
    "infinity, in half precision": (file({"a": tensor("F16", (4,))}, b"\x00\x7c" * 4), "NaN or infinity in 'a'"),
    "NaN, in 8 bits": (file({"a": tensor("F8_E4M3", (8,))}, b"\x7f" * 8), "NaN or infinity in 'a'"),
    "more than float32 holds": (file({"a": tensor("F64", (1,))}, struct.pack("<d", 1e300)), "NaN or infinity in 'a'"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file(name: str, tmp_path: Path) -> None:
    content, cause = MALFORMED[name]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        create("mlp-seed", pretrained=path)
    said = str(caught.value)
    assert said.startswith("Expected ") and str(path) in said and cause in said and "\n" not in said
    assert caught.value.exit_code == 4


def test_the_good_one_is_read() -> None:
    assert read_tensors(GOOD, "it")["a"].numpy().tobytes() == EIGHT


def test_a_header_that_says_much_takes_no_memory() -> None:
    """Each names more than this machine has; the process stays as small as it was."""
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("header of 100 MB", "header of 9 exabytes", "4 TiB of tensor", "0 of more than can be counted"):
        with pytest.raises(WeightsError):
            read_tensors(MALFORMED[name][0], "it")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


@pytest.mark.parametrize("cut", [*range(0, 60), *range(60, 2000, 97)])
def test_a_file_cut_anywhere(cut: int) -> None:
    whole = save({"a": torch.arange(300.0), "b": torch.ones(7, dtype=torch.int64)})
    with pytest.raises(WeightsError, match="Expected safetensors in it, got bytes that are none"):
        read_tensors(whole[: min(cut, len(whole) - 1)], "it")


def test_any_flipped_bit_of_a_header_is_refused_or_changes_no_shape_unseen() -> None:
    """The hash is what guards; without it, a flip gives an error or a file as its header says, never a crash."""
    whole = save({"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(7, dtype=torch.int64)})
    end = 8 + int.from_bytes(whole[:8], "little")
    for place in range(end):
        for bit in range(8):
            spoilt = bytearray(whole)
            spoilt[place] ^= 1 << bit
            try:
                found = read_tensors(bytes(spoilt), "it")
            except WeightsError:
                continue
            header = json.loads(bytes(spoilt[8:end]))
            assert all(list(t.shape) == header[name]["shape"] for name, t in found.items())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_under_a_safetensors_name_runs_nothing(protocol: int, tmp_path: Path) -> None:
    path, ran = tmp_path / "w.safetensors", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Bomb(str(ran)), protocol))
    with pytest.raises(
        WeightsError, match="got a pickle, which could run code" if protocol > 1 else "bytes that are none"
    ):
        create("mlp-seed", pretrained=path)
    assert not ran.exists()
    pickle.loads(path.read_bytes()).close()
    assert ran.exists(), "the bomb is none, so this test shows nothing"


class Bomb:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (self.path, "w")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_of_torch_under_a_safetensors_name(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match="got a pickle, which could run code"):
        create("mlp-seed", pretrained=path)


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580, 0x4B50])
def test_a_sound_file_that_begins_as_a_pickle_does(length: int, tmp_path: Path) -> None:
    """A header of 640 bytes begins with 80 02, as pickles do; one of 19,280 with PK, as zip files do."""
    path = tmp_path / "w.safetensors"
    bare = len(save({"a": torch.ones(2)}, {"note": ""})) - 8 - 8
    save_file({"a": torch.ones(2)}, path, {"note": "x" * (length - bare)})
    content = path.read_bytes()
    assert int.from_bytes(content[:8], "little") == length
    assert read_tensors(content, "it")["a"].tolist() == [1, 1]


@pytest.mark.parametrize("which", [0, -1])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite(which: int, value: float, tmp_path: Path) -> None:
    state = create("mlp-seed", seed=0).state_dict()
    name = list(state)[which]
    state[name].view(-1)[-1] = value
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=f"NaN or infinity in '{name}'"):
        create("mlp-seed", pretrained=tmp_path / "w.safetensors")


def test_whole_numbers_do_not_become_others(tmp_path: Path) -> None:
    """Half precision is widened; whole numbers, truth values and fractions do not turn into one another."""
    state = create("mlp-seed", seed=0).state_dict()
    name = next(iter(state))
    for other in (torch.int32, torch.bool, torch.complex64):
        save_file({**state, name: state[name].to(other)}, tmp_path / "w.safetensors")
        with pytest.raises(TensorMismatch, match=f"{name} is {other} instead of torch.float32"):
            create("mlp-seed", pretrained=tmp_path / "w.safetensors")
