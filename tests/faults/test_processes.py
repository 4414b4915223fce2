"""Several processes, and processes that die: one download, nothing lost, nothing mixed, nobody waits for ever."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from vaezoo.store import partial
from vaezoo.store.store import Store
from vaezoo.zoo.weights import locate

from .conftest import card, files, told
from .server import BODY, HALF, SHA256, Faults

Spawn = Callable[..., subprocess.Popen[str]]


def test_eight_cold_processes_make_one_download(server: Faults, store: Store, spawn: Spawn) -> None:
    url = server.at("slow", "good")
    processes = [spawn(url) for _ in range(8)]
    assert server.halfway.wait(50)
    server.go_on.set()
    assert {told(process)["sha256"] for process in processes} == {SHA256}
    assert len(server.seen) == 1 and server.seen[0].sent == len(BODY)
    assert files(store, "partial") == []


def test_where_locks_do_nothing_nothing_is_mixed(server: Faults, store: Store, spawn: Spawn) -> None:
    url = server.at("slow", "good")
    processes = [spawn(url, no_flock=True) for _ in range(4)]
    assert server.halfway.wait(50)
    wait_for(lambda: any(process.poll() is not None for process in processes))
    server.go_on.set()
    assert {told(process)["sha256"] for process in processes} == {SHA256}
    assert files(store, "blobs") == [SHA256] and files(store, "partial") == files(store, "quarantine") == []


def test_where_there_are_no_locks(server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*args: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", none)
    assert locate(card(server.at("good")))[1] == BODY


def test_a_killed_download_is_resumed_by_the_next_process(server: Faults, store: Store, spawn: Spawn) -> None:
    url = server.at("stall", "good")
    first = spawn(url)
    assert server.halfway.wait(50)
    part = wait_for(lambda: next((p for p in store.folder.glob("partial/*.part") if p.stat().st_size), None))
    first.send_signal(signal.SIGKILL)
    first.wait()
    have = part.stat().st_size
    assert 0 < have <= HALF
    assert told(spawn(url))["sha256"] == SHA256
    assert server.seen[1].range == f"bytes={have}-" and server.seen[1].if_range == '"one"'
    assert server.seen[1].sent == len(BODY) - have < len(BODY)
    assert files(store, "partial") == []


def test_killed_at_many_points_of_a_download(server: Faults, store: Store, spawn: Spawn) -> None:
    """Each process asks for what the killed ones left to do, and no byte that is on the disk is asked for again."""
    stops = [1, 2**18 - 1, 2**18, 2**18 + 1, 2**20, HALF, len(BODY) - 1]
    url = server.at(*(f"upto_{stop}" for stop in stops), "good")
    have = 0
    for nth, stop in enumerate(stops):
        process = spawn(url)
        assert server.halfway.wait(50)
        server.halfway.clear()
        wait_for(lambda stop=stop: sum(p.stat().st_size for p in store.folder.glob("partial/*.part")) == stop)
        process.kill()
        process.wait()
        assert server.seen[nth].range == (f"bytes={have}-" if have else None)
        have = stop
    assert told(spawn(url))["sha256"] == SHA256
    assert server.seen[-1].range == f"bytes={len(BODY) - 1}-" and server.seen[-1].sent == 1
    assert sum(request.sent for request in server.seen) == len(BODY) and len(server.seen) == len(stops) + 1
    assert files(store, "partial") == files(store, "quarantine") == []


@pytest.mark.parametrize(
    "die",
    [
        ("truncate", 1, False),
        ("fsync", 1, False),
        ("fsync", 1, True),
        ("replace", 1, False),
        ("replace", 1, True),
        ("fsync", 2, False),
        ("replace", 2, False),
        ("replace", 2, True),
    ],
    ids=str,
)
def test_killed_between_download_and_sidecar(
    server: Faults, store: Store, spawn: Spawn, die: tuple[str, int, bool]
) -> None:
    plays = ["flipcut", "good"] if die[0] == "truncate" else ["good"]
    url = server.at(*plays)
    killed = spawn(url, die=die)
    killed.wait(50)
    assert killed.returncode == -signal.SIGKILL
    before = len(server.seen)
    assert locate(card(url))[1] == BODY
    assert len(server.seen) - before == (1 if die[0] == "truncate" else 0)
    assert [blob.status for blob in store.blobs()] == ["ok"] and files(store, "partial") == []


def test_a_killed_lock_holder_holds_nobody_up(server: Faults, spawn: Spawn) -> None:
    url = server.at("stall", "good")
    holder = spawn(url)
    assert server.halfway.wait(50)
    waiter = spawn(url)
    time.sleep(0.2)
    holder.kill()
    assert told(waiter)["sha256"] == SHA256


def test_a_holder_that_does_nothing_is_not_waited_for_for_ever(server: Faults, store: Store) -> None:
    store.patience_s = 0.2
    (store.folder / "partial").mkdir(parents=True)
    with (store.folder / "partial" / f"{SHA256}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert locate(card(server.at("good")), store)[1] == BODY


def test_only_what_is_dead_is_taken_over_or_swept(store: Store) -> None:
    work = store.folder / "partial"
    work.mkdir(parents=True)
    with subprocess.Popen(["true"]) as gone:
        pass
    host = partial.HOST
    alive, dead, far, old, free = (
        work / f"{SHA256}.{name}part"
        for name in (f"{host}.{os.getpid()}.a.", f"{host}.{gone.pid}.a.", "far.1.a.", "far.2.a.", "")
    )
    for path in (alive, dead, far, old, free):
        path.write_bytes(b"x" * len(path.name))
    os.utime(old, (0, 0))
    assert partial.leftovers(work) == [old] and set(partial.leftovers(work, 0)) == {dead, old, free}
    with partial.claimed(work, SHA256) as mine:
        assert mine.stat().st_size == len(dead.name) and not dead.exists() and alive.exists() and far.exists()
        with partial.claimed(work, SHA256) as other:
            assert other != mine and other.stat().st_size == len(old.name)
            other.unlink()


def test_the_folder_of_a_living_download_is_not_swept(store: Store) -> None:
    """huggingface_hub works in a folder beside the partial file."""
    work = store.folder / "partial"
    work.mkdir(parents=True)
    with subprocess.Popen(["true"]) as gone:
        pass
    alive, dead = (work / f"{SHA256}.{partial.HOST}.{pid}.a.part.hub" for pid in (os.getpid(), gone.pid))
    alive.mkdir()
    dead.mkdir()
    assert partial.leftovers(work, 0) == [dead]


def test_the_sweep_removes_what_died_long_ago(server: Faults, store: Store) -> None:
    work = store.folder / "partial"
    work.mkdir(parents=True)
    for name in (f"{'0' * 64}.part", f"{'0' * 64}.lock", "x.tmp"):
        (work / name).touch()
        os.utime(work / name, (0, 0))
    (work / f"{'1' * 64}.part").touch()
    locate(card(server.at("good")))
    assert files(store, "partial") == [f"{'1' * 64}.part"] and not (work / f"{'0' * 64}.lock").exists()


def test_offline_opens_no_socket(server: Faults, spawn: Spawn, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    urls = ("https://weights.invalid/w", server.at("good"), "hf://org/repo@main/w.safetensors")
    for name in ("VAEZOO_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "1")
        said = told(spawn(*urls, guard=True))
        assert said["error"] == "OfflineError" and f"and {name} is set" in said["message"]
        assert all(url in said["message"] for url in urls) and str(store.path_of(SHA256)) in said["message"]
        monkeypatch.setenv(name, "0")
    assert server.seen == []
    assert told(spawn(server.at("good")))["sha256"] == SHA256
    monkeypatch.setenv("VAEZOO_OFFLINE", "1")
    assert told(spawn(*urls, guard=True))["path"] == str(store.path_of(SHA256))


def test_the_guard_guards(spawn: Spawn) -> None:
    process = spawn("http://127.0.0.1:1/x", guard=True)
    assert process.wait(50) and "a socket: socket." in process.communicate()[1]


def wait_for(found: Callable[[], object]) -> Any:
    end = time.monotonic() + 40
    while time.monotonic() < end:
        if got := found():
            return got
        time.sleep(0.02)
    raise AssertionError("it did not happen in 40 s")
