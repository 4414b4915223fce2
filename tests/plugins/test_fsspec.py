"""The sources of fsspec, on its file system in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from vaezoo_fsspec import source
from vaezoo_fsspec.plugin import SCHEMES

from vaezoo.errors import BackendUnavailable, HashMismatch, NetworkError, OfflineError, SizeMismatch
from vaezoo.registry.cards import Card
from vaezoo.store.store import Store
from vaezoo.testing import PluginContract
from vaezoo.zoo.weights import locate

BODY = bytes(range(256)) * 20_000
URL = "memory://bucket/w.safetensors"


class TestPlugin(PluginContract):
    package = "vaezoo_fsspec"


@pytest.fixture
def bucket() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/w.safetensors", BODY)
    yield system
    system.rm("/bucket", recursive=True)


def card(url: str) -> Card:
    sha256 = hashlib.sha256(BODY).hexdigest()
    return Card("a.b", (url,), sha256, len(BODY), "MIT", ())


def test_a_file_is_fetched_hashed_and_kept(bucket: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    path, content = locate(card(URL), Store(tmp_path))
    assert content == BODY
    bucket.pipe("/bucket/w.safetensors", b"gone")
    assert locate(card(URL), Store(tmp_path)) == (path, BODY)


def test_a_partial_file_is_completed(
    bucket: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tmp_path / "part"
    part.write_bytes(BODY[:1000])
    read: list[int] = []
    opened = type(bucket).open

    def counting(self: object, path: str, mode: str = "rb", **options: object) -> object:
        file = opened(self, path, mode, **options)
        seek = file.seek
        file.seek = lambda offset, *rest: read.append(len(BODY) - offset) or seek(offset, *rest)
        return file

    monkeypatch.setattr(type(bucket), "open", counting)
    assert source.fill(URL, part, len(BODY)) is True and part.read_bytes() == BODY
    assert read[0] == len(BODY) - 1000
    part.write_bytes(b"")
    assert source.fill(URL, part, len(BODY)) is False
    part.write_bytes(BODY + b"more")
    assert source.fill(URL, part, len(BODY)) is False and part.read_bytes() == BODY


def test_another_file_is_refused(bucket: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    bucket.pipe("/bucket/w.safetensors", BODY + b"x")
    with pytest.raises(SizeMismatch, match=f"{len(BODY) + 1} bytes where {len(BODY)} were expected"):
        locate(card(URL), Store(tmp_path / "a"))
    bucket.pipe("/bucket/w.safetensors", BODY[::-1])
    with pytest.raises(HashMismatch, match=r"sha256 [0-9a-f]+ instead of"):
        locate(card(URL), Store(tmp_path / "b"))


def test_what_is_not_there_is_said(bucket: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"memory://bucket/none: FileNotFoundError"):
        locate(card("memory://bucket/none"), Store(tmp_path))


def test_a_file_that_ends_early_is_said(
    bucket: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(bucket), "info", lambda self, path, **options: {"size": len(BODY) + 5})
    (tmp_path / "part").touch()
    with pytest.raises(NetworkError, match=f"it ended after {len(BODY)} of {len(BODY) + 5} bytes"):
        source.fill(URL, tmp_path / "part", len(BODY) + 5)


@pytest.mark.parametrize(("url", "package"), [("s3://b/w", "s3fs"), ("gs://b/w", "gcsfs"), ("az://b/w", "adlfs")])
def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, package: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(BackendUnavailable, match=f"needs {package}: pip install {package}.*Install what it names"):
        locate(card(url), Store(tmp_path))


def test_a_fault_on_the_way_to_a_file_system_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(url: str) -> None:
        raise ValueError("no credentials\nand a page of advice")

    monkeypatch.setattr("fsspec.core.url_to_fs", failing)
    (tmp_path / "part").touch()
    with pytest.raises(NetworkError, match=r"ValueError: no credentials$"):
        source.fill(URL, tmp_path / "part", 1)


def test_offline_reads_nothing(
    bucket: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(url: str) -> None:
        raise AssertionError("it was asked")

    monkeypatch.setattr("fsspec.core.url_to_fs", asked)
    monkeypatch.setenv("VAEZOO_OFFLINE", "1")
    with pytest.raises(OfflineError, match="VAEZOO_OFFLINE is set"):
        locate(card(URL), Store(tmp_path))


def test_fsspec_knows_the_schemes() -> None:
    from fsspec.registry import known_implementations

    assert set(SCHEMES) <= set(known_implementations)
    assert set(source.PACKAGES) == set(SCHEMES) - {"memory"}
