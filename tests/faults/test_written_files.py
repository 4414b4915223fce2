"""The one way in which files are written: whole or not at all, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from vaezoo.errors import ConfigError, ImageError, StoreError
from vaezoo.files import atomic
from vaezoo.files.atomic import make_folder, sweep, write_whole


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail(part: Path) -> None:
        part.write_text("ha")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match=r"file cannot be written: No space left on device\. Nothing was replaced"):
        write_whole(path, fail)
    with pytest.raises(ImageError):
        write_whole(tmp_path / "missing" / "file", b"new", error=ImageError)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]
    write_whole(path, lambda part: part.write_text("new"))
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["file"]


def test_what_was_there_can_be_kept(tmp_path: Path) -> None:
    path, kept = tmp_path / "file", tmp_path / "kept"
    write_whole(path, b"1", keep=kept)
    assert not kept.exists()
    write_whole(path, b"2", keep=kept)
    assert (path.read_bytes(), kept.read_bytes()) == (b"2", b"1")


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_is_not_replaced(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "file"
    won = list[bytes]()

    def write(content: bytes) -> None:
        try:
            write_whole(path, content, replace=False)
            won.append(content)
        except ConfigError as error:
            assert "file exists already" in str(error)

    threads = [threading.Thread(target=write, args=(bytes([n]),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [path.read_bytes()] and os.listdir(tmp_path) == ["file"]


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Not that of a target, which is replaced itself, nor one that takes the name of a part."""
    mine, path = tmp_path / "mine", tmp_path / "file"
    mine.write_text("mine")
    path.symlink_to(mine)
    write_whole(path, b"new")
    assert mine.read_text() == "mine" and path.read_bytes() == b"new" and not path.is_symlink()


def test_parts_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    names = [f".vaezoo.{atomic.HOST}.{pid}.0.part" for pid in (gone.pid, os.getpid())]
    kept = [names[1], ".vaezoo.elsewhere.1.0.part", ".hidden.part", "a.part"]
    for name in [*names, *kept]:
        (tmp_path / name).touch()
    (tmp_path / f".vaezoo.{atomic.HOST}.{gone.pid}.1.part").mkdir()
    sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="a file is in the way"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(ImageError, match="cannot be made: Not a directory"):
        make_folder(tmp_path / "file" / "below", ImageError)
    with pytest.raises(StoreError, match="cannot be made: File name too long"):
        make_folder(tmp_path / ("x" * 300))
