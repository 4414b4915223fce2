"""What can befall the cache on its disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaezoo.errors import HashMismatch, OfflineError, StoreError
from vaezoo.store import store as store_module
from vaezoo.store.store import Store
from vaezoo.zoo.weights import locate

from .conftest import card, files
from .server import BODY, SHA256, Faults

NOBODY = 65534


@pytest.fixture
def kept(store: Store, server: Faults) -> Path:
    path = locate(card(server.at("good")))[0]
    server.seen.clear()
    return path


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)[0]
        file.seek(1000)
        file.write(bytes([byte ^ 1]))


def swap(path: Path) -> None:
    path.unlink()
    path.write_bytes(BODY[::-1])


@pytest.mark.parametrize("spoil", [flip, lambda path: os.truncate(path, 99), swap, lambda path: os.truncate(path, 0)])
def test_a_spoilt_blob_is_fetched_again(kept: Path, store: Store, server: Faults, spoil: object) -> None:
    before = kept.stat()
    spoil(kept)  # type: ignore[operator]
    os.utime(kept, ns=(before.st_atime_ns, before.st_mtime_ns))  # no clue but the bytes
    spoilt = kept.read_bytes()
    with pytest.warns(UserWarning, match="no longer what its name says"):
        assert locate(card(server.at("good")))[1] == BODY
    assert kept.read_bytes() == BODY and len(server.seen) == 1
    assert (store.folder / "quarantine" / SHA256).read_bytes() == spoilt


def test_a_spoilt_blob_is_never_used_where_nothing_else_is(
    kept: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(kept)
    assert [blob.status for blob in store.blobs()] == ["changed"]
    monkeypatch.setenv("VAEZOO_OFFLINE", "1")
    with pytest.warns(UserWarning, match="no longer"), pytest.raises(OfflineError, match="bring the file"):
        locate(card("https://weights.invalid/w"))
    assert files(store, "blobs") == [] and store.blobs() == []


@pytest.mark.parametrize("text", [None, "{", "[]", '{"size_bytes": 3}'])
def test_a_sidecar_is_no_more_than_a_note(kept: Path, store: Store, text: str | None) -> None:
    sidecar = kept.with_name(kept.name + ".json")
    sidecar.unlink() if text is None else sidecar.write_text(text)
    assert [(blob.status, blob.verified) for blob in store.blobs()] == [("unverified", None)]
    assert locate(card("https://weights.invalid/w"))[1] == BODY
    assert [blob.status for blob in store.blobs()] == ["ok"]


def test_the_bytes_stay_when_the_file_goes(kept: Path) -> None:
    content = locate(card("https://weights.invalid/w"))[1]
    os.truncate(kept, 0)
    assert content == BODY


@pytest.fixture
def locked(kept: Path, store: Store) -> Iterator[Store]:
    """The cache where nothing can be written, by permission; as nobody where the tests run as root."""
    with tempfile.TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        folder = Path(outer, "home")
        shutil.copytree(store.folder, folder)
        paths = [folder, *folder.rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        yield Store(folder)
        if root:
            os.seteuid(0)
        for path in paths:
            path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_a_read_only_cache_is_read(locked: Store, server: Faults) -> None:
    assert locate(card(server.at("good")), locked)[1] == BODY and not server.seen


def test_a_read_only_cache_that_lacks_it_costs_a_download_each(locked: Store, server: Faults) -> None:
    content = BODY[:999]
    other = card(server.at("saidshorter"), server.at("good"), sha256=hashlib.sha256(content).hexdigest())
    warned = pytest.warns(UserWarning, match="cannot be written .Permission denied., so nothing is kept")
    with warned, pytest.raises(HashMismatch):
        locate(other, locked)
    empty = Store(locked.folder / "blobs")
    with pytest.warns(UserWarning, match="so nothing is kept"):
        assert locate(card(server.at("good")), empty)[1] == BODY
    assert len(list(locked.folder.glob("blobs/*"))) == 2


def test_a_cache_that_cannot_be_a_folder(server: Faults, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="so nothing is kept"):
        assert locate(card(server.at("good")), Store(tmp_path / "file" / "home"))[1] == BODY


def test_space_is_looked_at_first(server: Faults, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(store_module.shutil, "disk_usage", lambda path: usage(0, 0, 2**20))
    with pytest.raises(StoreError, match="needs 19 MiB of free space, it has 1"):
        locate(card(server.at("good")))
    assert not server.seen and files(store, "partial") == []


def test_a_disk_that_is_full_after_all(server: Faults, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    import signal

    monkeypatch.setattr(signal, "_old", signal.signal(signal.SIGXFSZ, signal.SIG_IGN), raising=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    try:
        with pytest.raises(StoreError, match="cannot be written: File too large"):
            locate(card(server.at("good")))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(store, "blobs") == []
    assert locate(card(server.at("good")))[1] == BODY
    assert server.seen[-1].range == f"bytes={2**20}-"


def test_seeds_are_read_and_not_written(kept: Path, store: Store, tmp_path: Path, server: Faults) -> None:
    flat, whole, wrong = tmp_path / "flat", tmp_path / "whole", tmp_path / "wrong"
    for folder in (flat, whole / "blobs", wrong):
        folder.mkdir(parents=True)
    (flat / SHA256).write_bytes(BODY)
    (whole / "blobs" / SHA256).write_bytes(BODY)
    (wrong / SHA256).write_bytes(b"other")
    for seed, path in ((flat, flat / SHA256), (whole, whole / "blobs" / SHA256)):
        empty = Store(tmp_path / "empty", (wrong, tmp_path / "none", seed))
        with pytest.warns(UserWarning, match="no longer what its name says"):
            assert locate(card(server.at("good")), empty) == (path, BODY)
    assert not server.seen and (wrong / SHA256).read_bytes() == b"other" and list(flat.iterdir()) == [flat / SHA256]


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert store_module.home() == tmp_path / "home"
    monkeypatch.delenv("VAEZOO_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store_module.home() == tmp_path / "vaezoo"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store_module.home() == tmp_path / ".cache" / "vaezoo"
    monkeypatch.setenv("VAEZOO_SEEDS", f"{tmp_path}::/b")
    assert store_module.seeds() == (tmp_path, Path("/b"))


def test_files_that_are_here_need_no_cache(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(BODY)
    assert locate(card(path.as_uri())) == (path, BODY) and not store.folder.exists()
