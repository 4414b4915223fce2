"""What cannot be written is found before the model runs, and what cannot be told is a named error."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaezoo.errors import ImageError
from vaezoo.figures.output import check_output
from vaezoo.files.targets import check_target
from vaezoo.image.file.files import Picture, check_writable, write_picture
from vaezoo.restore.batch import Job


def picture(side: tuple[int, int] = (8, 8), **more: Any) -> Picture:
    return Picture(np.zeros((*side, 3), np.uint8), **more)


class Unused:
    """A restorer that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the model was asked for {name}")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_picture(picture(), path := tmp_path / "a.png")
    return path


def targets(folder: Path) -> dict[str, tuple[Path, str]]:
    (folder / "file").touch()
    (folder / "folder.png").mkdir()
    (folder / "loop").symlink_to(folder / "loop")
    return {
        "long": (folder / f"{'a' * 300}.png", "File name too long"),
        "deep": (folder / "/".join(["a" * 200] * 30) / "a.png", "File name too long"),
        "nul": (folder / "a\0.png", "null"),
        "below a file": (folder / "file/a.png", "a file is where its folder should be"),
        "below a file's folder": (folder / "file/b/c/a.png", "a file is where its folder should be"),
        "a folder": (folder / "folder.png", "it is a folder"),
        "loop": (folder / "loop/a.png", "symbolic links"),
    }


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_target_that_cannot_be_written_fails_before_the_model(tmp_path: Path, source: Path, overwrite: bool) -> None:
    for name, (path, cause) in targets(tmp_path).items():
        (job := Job(source, path)).check(overwrite=overwrite)
        assert job.status == "failed" and isinstance(job.error, ImageError), name
        assert cause in str(job.error), (name, str(job.error))
        with pytest.raises(ImageError, match="cannot be written"):
            check_target(path)
    (job := Job(source, tmp_path / f"{'a' * 245}.png")).check(uncertainty=True)
    assert job.status == "failed", "the files beside it have longer names"
    (job := Job(source, tmp_path / "new/and/deeper/a.png")).check()
    assert job.status == "pending"


def test_a_folder_that_cannot_be_written_is_found_first(tmp_path: Path, source: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # a test may run as root, who may write everywhere
    (job := Job(source, tmp_path / "b.png")).check()
    assert f"the folder {tmp_path} cannot be written" in str(job.error)
    with pytest.raises(ImageError, match="cannot be written"):
        check_output(tmp_path / "figure.png")


def test_a_picture_that_its_format_refuses_fails_before_the_model(tmp_path: Path, monkeypatch: Any) -> None:
    write_picture(picture(alpha=np.zeros((8, 8), np.uint8)), source := tmp_path / "a.png")
    (job := Job(source, tmp_path / "a.jpg")).run(Unused())  # type: ignore[arg-type]
    assert "JPEG cannot hold" in str(job.error)
    with pytest.raises(ImageError, match="cannot be encoded"):
        check_writable(picture((1, 16400)), tmp_path / "a.webp")

    def refuse(*_: Any, **__: Any) -> Any:
        import pyvips

        raise pyvips.Error("icc: the profile is broken")

    import pyvips

    monkeypatch.setattr(pyvips.Image, "write_to_buffer", refuse)
    (job := Job(source, tmp_path / "b.png")).run(Unused())  # type: ignore[arg-type]
    assert job.status == "failed" and "cannot be encoded" in str(job.error)


def test_asking_a_format_takes_little_of_a_large_picture(tmp_path: Path) -> None:
    large = picture((3000, 4000), icc=b"broken")
    for ending in (".png", ".jpg", ".webp", ".tif", ".avif"):
        begun = time.process_time()
        check_writable(large, tmp_path / f"a{ending}")
        assert time.process_time() - begun < 1.0, ending
