"""What can befall a run's folder: a second run, a full disk, a bit that flips, a kill."""

from __future__ import annotations

import os
import random
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.train import toy
from tests.train.test_loop import Interrupted
from vaezoo.errors import CheckpointError, HashMismatch, TrainingError, VaezooError
from vaezoo.release.card import save_weights as save_for_card
from vaezoo.train.chain import finished
from vaezoo.train.checkpoint import save_weights
from vaezoo.train.loop import train
from vaezoo.train.packed import unpack
from vaezoo.train.recipe import MachineRecipe


def run(out: Path, *, at: int = -1, act: Callable[[], object] = lambda: None, minutes: float | None = None) -> int:
    objective = toy.objective()
    objective.loss = Interrupted(objective.loss, at, act)  # type: ignore[arg-type]
    recipe = toy.recipe(machine=MachineRecipe(log_every=4))
    return train(recipe, out, objective=objective, source=toy.source(), minutes=minutes).steps


def same(one: Path, other: Path) -> bool:
    a, b = toy.weights(one), toy.weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_second_run_is_kept_out_and_harms_nothing(tmp_path: Path) -> None:
    refused = list[str]()

    def second() -> None:
        with torch.random.fork_rng(), pytest.raises(TrainingError, match="Another run writes into") as found:
            run(tmp_path / "one")
        refused.append(str(found.value.value))

    run(tmp_path / "one", at=5, act=second)
    run(tmp_path / "other")
    assert refused == [str(tmp_path / "one")] and same(tmp_path / "one", tmp_path / "other")
    assert run(tmp_path / "one") == 16  # the lock is gone with its run


def test_a_flipped_bit_costs_one_checkpoint_and_is_said(tmp_path: Path) -> None:
    """Wherever it is, also among the values, where the file can still be read."""
    run(tmp_path / "whole")
    out = tmp_path / "out"
    assert [run(out, minutes=0.0) for _ in range(3)] == [1, 2, 3]
    path = out / "checkpoint.safetensors"
    sound = path.read_bytes()
    assert unpack(sound)["step"] == 3
    for bit in random.Random(0).sample(range(8 * len(sound)), 100):
        with pytest.raises(ValueError):
            unpack(flipped(sound, bit))
    for bit in (8 * len(sound) - 13, 8 * 200):
        path.write_bytes(flipped(sound, bit))
        with pytest.warns(UserWarning, match=r"checkpoint\.safetensors is damaged .* from .*previous.*, step 2"):
            assert run(out, minutes=0.0) == 3
        assert (out / "checkpoint.damaged.safetensors").read_bytes() == flipped(sound, bit)
    assert run(out) == 16 and same(out, tmp_path / "whole")


def test_where_no_checkpoint_is_sound_none_is_used(tmp_path: Path) -> None:
    run(tmp_path)
    for path in tmp_path.glob("checkpoint*"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors is no checkpoint of vaezoo, or is damaged"):
        run(tmp_path)


def test_weights_that_changed_since_are_written_anew(tmp_path: Path) -> None:
    """Those of a finished run, which the next stage would start from, and a card would be written for."""
    recipe, out = toy.recipe(machine=MachineRecipe(log_every=4)), tmp_path / "run"
    run(out)
    path, record = out / "ema.safetensors", out / "run.json"
    sound = path.read_bytes()
    assert finished(recipe, out, None) is not None
    path.write_bytes(flipped(sound, 8 * len(sound) - 13))
    with pytest.raises(HashMismatch, match="is not as its run saved it"):
        save_for_card(out, tmp_path / "weights.safetensors", half=False)
    with pytest.warns(UserWarning, match="is not as its run saved it, so it is written anew from the checkpoint"):
        assert finished(recipe, out, None) is None
    assert run(out) == 16 and path.read_bytes() == sound and finished(recipe, out, None) is not None
    record.unlink()  # as by a kill after the last checkpoint
    assert run(out) == 16 and record.exists()


def test_a_checkpoint_of_before_goes_on(tmp_path: Path) -> None:
    """A pickle of torch, as vaezoo 0.1.0 wrote it; it goes once there are two of today's."""
    run(tmp_path / "whole")
    out = tmp_path / "out"
    run(out, minutes=0.0)
    path = out / "checkpoint.safetensors"
    torch.save(unpack(path.read_bytes()), out / "checkpoint.pt")
    path.unlink()
    (out / "checkpoint.previous.safetensors").unlink(missing_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(out, minutes=0.0) == 2
    assert (out / "checkpoint.pt").exists()
    assert run(out) == 16 and same(out, tmp_path / "whole") and not (out / "checkpoint.pt").exists()


def flipped(content: bytes, bit: int) -> bytes:
    spoilt = bytearray(content)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """A disk that takes no file longer than this."""
    resource = pytest.importorskip("resource")
    import signal

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("size", [300, 1500])
def test_a_full_disk_is_named_and_left_no_fuller(tmp_path: Path, size: int) -> None:
    run(tmp_path / "whole")
    out = tmp_path / "out"
    run(out, minutes=0.0)
    before = {path.name: path.read_bytes() for path in out.glob("checkpoint*")}
    with full_disk(size), pytest.raises(VaezooError, match="cannot be written: File too large"):
        run(out)
    assert not [path.name for path in out.iterdir() if ".part" in path.name]
    assert before.items() <= {path.name: path.read_bytes() for path in out.glob("checkpoint*")}.items()
    assert run(out) == 16 and same(out, tmp_path / "whole")


def test_what_killed_runs_left_is_swept(tmp_path: Path) -> None:
    from vaezoo.files.atomic import HOST

    with subprocess.Popen(["true"]) as gone:
        pass
    left = [f".vaezoo.{HOST}.{gone.pid}.0.part", "checkpoint.pt.part", "ema.safetensors.part"]
    for name in left:
        (tmp_path / name).write_bytes(b"x" * 1000)
    run(tmp_path, minutes=0.0)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_the_same_weights_are_the_same_bytes(tmp_path: Path) -> None:
    weights = {"b": torch.arange(3.0), "a": torch.ones(2, 2, dtype=torch.float16)}
    about = {f"key {n}": f"ü{n}" for n in range(6)}
    found = set()
    for _ in range(10):
        save_weights(tmp_path, weights, about)
        found.add((tmp_path / "ema.safetensors").read_bytes())
    assert len(found) == 1
    with safe_open(tmp_path / "ema.safetensors", "pt") as file:
        assert file.metadata() == about and sorted(file.keys()) == ["a", "b"]
        assert torch.equal(file.get_tensor("b"), weights["b"]) and torch.equal(file.get_tensor("a"), weights["a"])
