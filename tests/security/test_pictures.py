"""Images of strangers: one named decoder each, and no more memory than a budget that is asked before decoding."""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from vaezoo.data import pictures as folders
from vaezoo.data.pictures import read_pictures
from vaezoo.errors import ImageError
from vaezoo.image import Picture, read_kernel, read_luma_table, read_picture, read_quantised, write_picture
from vaezoo.image.compression import quantisation
from vaezoo.image.file import opening
from vaezoo.image.file.opening import form_of, open_pil

pytestmark = pytest.mark.usefixtures("quick")
ROOT = Path(__file__).parents[2]
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
OTHERS = {
    "PostScript": POSTSCRIPT,
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>',
    "SVG with a declaration": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>',
    "matrix": b"2 2\n1 2\n3 4\n",
    "csv": b"1,2\n3,4\n",
    "libvips' own": b"\x08\xf2\xa6\xb6" + bytes(60),
    "PDF": b"%PDF-1.7\n",
    "Radiance": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n",
    "PPM": b"P6 1 1 255\nabc",
    "FITS": b"SIMPLE  =                    T",
    "icon": b"\0\0\1\0\1\0",
}


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Ghostscript that leaves this file when it is started."""
    ran = tmp_path / "ran"
    (tmp_path / "bin").mkdir()
    for name in ("gs", "gswin32c", "gswin64c"):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    return ran


def test_a_training_folder_starts_no_program(tmp_path: Path, started: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/photo.png").write_bytes(POSTSCRIPT)
    with pytest.raises(ImageError, match=r"photo\.png .* got a file that begins with b'%!PS-Ado'"):
        read_pictures(tmp_path / "set")
    assert not started.exists()


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_picture_is_refused_by_its_first_bytes(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: Any, **options: Any) -> None:
        raise AssertionError(f"a decoder was asked: {given}")

    monkeypatch.setattr("pyvips.Operation.call", never)
    monkeypatch.setattr("PIL.Image.open", never)
    (tmp_path / "set").mkdir()
    path = tmp_path / "set/photo.png"
    path.write_bytes(OTHERS[kind])
    with pytest.raises(ImageError, match=r"expected a JPEG, .* got a file that begins with"):
        read_picture(path)
    with pytest.raises(ImageError, match="got a file that begins with"):
        read_pictures(tmp_path / "set")
    assert read_luma_table(path) is None
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
        file.write(path, "photo.png")
    with pytest.raises(ImageError, match="as no image does"):
        read_pictures(tmp_path / "set.zip")


def test_no_other_way_to_a_decoder() -> None:
    """Files are opened by `opening` alone; what calls Pillow itself decodes bytes that it encoded a line before."""
    own = {"camera.py", "degradations.py", "output.py", "patches.py", "photos.py", "opening.py"}
    for path in (*ROOT.glob("vaezoo/**/*.py"), *ROOT.glob("plugins/**/*.py")):
        found = re.findall(r"\b(?:Image\.open|new_from_\w+|np\.load)\(", path.read_text(encoding="utf-8"))
        calls = set(found) - {"new_from_array(", "Image.new_from_array("}
        if path.name in own:
            continue
        allowed = {"sets.py": {"np.load("}, "kernels.py": {"np.load("}, "files.py": {"new_from_array("}}
        assert calls <= allowed.get(path.name, set()), path


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp"])
def test_the_first_bytes_tell_the_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
    forms = {".jpg": "jpeg", ".tif": "tiff"}
    assert form_of(path.read_bytes()[:32]) == forms.get(suffix, suffix[1:])


def odd(tmp_path: Path, suffix: str) -> Path:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / f"a{suffix}").symlink_to("pipe")
    return tmp_path / f"a{suffix}"


@pytest.mark.parametrize(
    ("read", "suffix"), [(read_picture, ".png"), (read_quantised, ".jpg"), (read_kernel, ".npy"), (read_kernel, ".png")]
)
def test_a_pipe_is_not_waited_for(tmp_path: Path, read: Callable[[Path], Any], suffix: str) -> None:
    with pytest.raises(ImageError, match="it is a pipe, not a file"):
        read(odd(tmp_path, suffix))


def test_a_pipe_has_no_table(tmp_path: Path) -> None:
    assert read_luma_table(odd(tmp_path, ".jpg")) is None


def with_chunk(path: Path, kind: bytes, body: bytes) -> Path:
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
    png = path.read_bytes()
    whole = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(png[:33] + whole + png[33:])
    return path


@pytest.mark.parametrize(("kind", "before"), [(b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")])
def test_texts_that_unpack_to_much(tmp_path: Path, kind: bytes, before: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_TEXT", 2**21)
    path = with_chunk(tmp_path / "a.png", kind, before + zlib.compress(bytes(2**22)))
    with pytest.raises(ImageError, match="texts and profiles of at most 2097152 bytes"):
        read_picture(path)
    if kind != b"iCCP":  # where zeros are no profile
        assert read_picture(with_chunk(tmp_path / "b.png", kind, before + zlib.compress(b"b" * 2**20))).bits == 8


def test_many_texts_count_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_TEXT", 2**20)
    body = b"a\0\0" + zlib.compress(bytes(2**18))
    whole = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    path = with_chunk(tmp_path / "a.png", b"zTXt", body)
    png = path.read_bytes()
    path.write_bytes(png[:33] + 4 * whole + png[33:])
    with pytest.raises(ImageError, match="texts and profiles"):
        read_picture(path)


def test_samples_count_and_not_pixels_alone(tmp_path: Path) -> None:
    deep, flat = (np.zeros((8, 8, 3), kind) for kind in (np.uint16, np.uint8))
    write_picture(Picture(deep), tmp_path / "deep.png")
    write_picture(Picture(flat), tmp_path / "flat.png")
    assert read_picture(tmp_path / "flat.png", max_pixels=64).bits == 8
    with pytest.raises(ImageError, match="expected at most 256 bytes of samples, got 8x8 pixels of 6 bytes"):
        read_picture(tmp_path / "deep.png", max_pixels=64)
    with pytest.raises(ImageError, match="expected at most 63 pixels, got 8x8"):
        read_picture(tmp_path / "flat.png", max_pixels=63)


def test_the_pixels_of_a_training_image_are_counted_first() -> None:
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG")
    head = b"IHDR" + struct.pack(">II", 2**15, 2**14) + file.getvalue()[24:29]
    with pytest.raises((ImageError, Image.DecompressionBombError)):
        open_pil(io.BytesIO(file.getvalue()[:12] + head + struct.pack(">I", zlib.crc32(head)) + file.getvalue()[33:]))


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.png", content)
    return path


def test_a_member_that_unpacks_to_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_LEAST_MEMBER", 2**20)
    path = zipped(tmp_path / "a.zip", a=b"\x89PNG\r\n\x1a\n" + bytes(2**21))
    with pytest.raises(ImageError, match=r"a\.png in .* its \d+ bytes unpack to 2097160"):
        read_pictures(path)


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_images_count_together(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_LEAST", 2**19)
    file = io.BytesIO()
    Image.new("RGB", (400, 400)).save(file, "PNG")
    path = zipped(tmp_path / "a.zip", a=file.getvalue(), b=file.getvalue())
    if kind == "folder":
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "a")
        path = tmp_path / "a"
    with pytest.raises(ImageError, match=r"b\.png in .* images take more than \d+ bytes, 256 times their files"):
        read_pictures(path)
    monkeypatch.setattr(folders, "_LEAST", 2**20)
    assert len(read_pictures(path)) == 2


def test_a_jpeg_file_whose_coefficients_would_take_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation, "MAX_PIXELS", 2**12)
    Image.new("L", (64, 65)).save(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="expected at most 4096 pixels, got 64x65"):
        read_quantised(tmp_path / "a.jpg")
    Image.new("L", (64, 64)).save(tmp_path / "a.jpg")
    assert read_quantised(tmp_path / "a.jpg").size == (64, 64)


def test_coefficients_are_the_same_by_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = np.random.default_rng(0).integers(40, 200, (96, 64, 3), np.uint8)
    Image.fromarray(levels).save(tmp_path / "a.jpg", quality=80)
    whole = read_quantised(tmp_path / "a.jpg")
    monkeypatch.setattr(quantisation, "STRIP", 16)
    for mine, theirs in zip(read_quantised(tmp_path / "a.jpg").planes, whole.planes, strict=True):
        assert mine.centre.equal(theirs.centre) and mine.known.equal(theirs.known)
