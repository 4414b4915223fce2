"""A disk of its own, so small that it is full: a tmpfs, where this machine lets one be mounted."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaezoo.errors import HashMismatch, StoreError
from vaezoo.store import store as store_module
from vaezoo.store.store import Store
from vaezoo.zoo.weights import locate

from .conftest import card, files
from .server import BODY, SHA256, Faults

PAGE = 4096


class Disk:
    """A disk in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> None:
        folder = str(self.folder)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    if not shutil.which("mount"):
        pytest.skip("no small disk can be mounted here: there is no mount command")
    disk = Disk(tmp_path / "disk")
    disk.folder.mkdir()
    disk.mount("size=2m")
    monkeypatch.setenv("VAEZOO_HOME", str(disk.folder / "home"))
    yield disk
    subprocess.run(["umount", str(disk.folder)], check=True)


def test_too_little_space_is_said_before_a_byte_is_fetched(disk: Disk, server: Faults) -> None:
    with pytest.raises(StoreError, match=r"needs 19 MiB of free space, it has [12]\. Free some space"):
        locate(card(server.at("good")))
    assert not server.seen


def test_a_disk_that_fills_up_meanwhile(disk: Disk, server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SPARE_BYTES", -(2**30))
    with pytest.raises(StoreError, match=r"cannot be written: No space left on device.*VAEZOO_HOME to another disk"):
        locate(card(server.at("good")))
    store = Store()
    assert files(store, "blobs") == []
    (kept,) = store.folder.glob("partial/*.part")
    have = kept.stat().st_size
    assert have > 2**20
    disk.mount("remount,size=16m")
    assert locate(card(server.at("good")))[1] == BODY
    assert server.seen[-1].range == f"bytes={have}-" and server.seen[-1].sent == len(BODY) - have


@pytest.mark.parametrize("spare", range(-2, 7))
def test_a_disk_that_is_full_by_a_page_or_two(
    disk: Disk, server: Faults, monkeypatch: pytest.MonkeyPatch, spare: int
) -> None:
    """The blob, its note, the tag of the cache: whichever finds no place, it is right bytes or a named error."""
    monkeypatch.setattr(store_module, "SPARE_BYTES", -(2**30))
    disk.mount(f"remount,size={(len(BODY) // PAGE + 1 + spare) * PAGE}")
    try:
        assert locate(card(server.at("good")))[1] == BODY
        assert spare >= 0 and files(Store(), "blobs") == [SHA256]
    except StoreError as error:
        assert "No space left on device" in str(error) and spare < 4
    disk.mount("remount,size=16m")
    assert locate(card(server.at("good")))[1] == BODY
    assert [blob.status for blob in Store().blobs()] == ["ok"]


def test_a_disk_with_no_space_at_all(disk: Disk, server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a folder finds a place: the file is fetched for this once, elsewhere."""
    disk.mount("remount,size=2m,nr_inodes=2")
    with pytest.warns(UserWarning, match=r"cannot be written .No space left on device., so nothing is kept"):
        assert locate(card(server.at("good")))[1] == BODY


def test_a_disk_mounted_read_only(disk: Disk, server: Faults) -> None:
    disk.mount("remount,size=32m")
    locate(card(server.at("good")))
    disk.mount("remount,ro")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert locate(card("https://weights.invalid/w"))[1] == BODY
    shorter = card(server.at("good"), sha256="0" * 64)
    with pytest.warns(UserWarning, match=r"cannot be written .Read-only file system."), pytest.raises(HashMismatch):
        locate(shorter)
