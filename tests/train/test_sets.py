"""Data sets: a missing or false one is named with its source; the table agrees with the files that are there."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaezoo
from vaezoo.data.sets import Images, find_file, known_sets, load_images, set_names
from vaezoo.errors import ConfigError, DataMissing, ImageError, PluginError, UnknownName
from vaezoo.host.manager import current_zoo
from vaezoo.registry.registry import Registry


def pictures(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for i in range(count):
        Image.fromarray(np.full((6, 5 + i, 3), [10 * i, 100, 200], np.uint8)).save(folder / f"p{i}.png")
    return folder


@pytest.mark.parametrize("name", sorted(known_sets()))
def test_the_table_agrees_with_the_files(name: str) -> None:
    known = known_sets()[name]
    assert known.url.startswith("http") and len(known.sha256) == 64 and known.licence
    try:
        find_file(known, known.paths)
    except DataMissing as missing:
        pytest.skip(str(missing))
    images = load_images(name)
    assert images.sha256 == known.sha256 and not set(images.names) & set(known.leave_out)
    if images.labels is not None:
        assert len(images.labels) == len(images.pixels)
    if known.kind == "bits":
        assert set(np.unique(images.pixels[:100])) == {0, 255}


def test_a_missing_set_names_source_hash_and_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAEZOO_DATA", f"{tmp_path}{os.pathsep}{tmp_path / 'b'}")
    expected = r"'gb82' \(CC0-1.0\).*https://github.com/gianni-rosato.*bd91019.*photos/gb82_png.zip"
    with pytest.raises(DataMissing, match=expected) as caught:
        load_images("gb82")
    assert str(tmp_path / "b") in str(caught.value)
    monkeypatch.delenv("VAEZOO_DATA")
    with pytest.raises(DataMissing, match="none is set"):
        load_images("mnist")


def test_another_content_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist/train-images-idx3-ubyte").write_bytes(
        b"\0\0\x08\x03" + np.array([1, 2, 2], ">u4").tobytes() + b"1234"
    )
    monkeypatch.setenv("VAEZOO_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match=r"is not 'mnist': its content has sha256 .*, not ba891046.*Get it from"):
        load_images("mnist")


@pytest.mark.parametrize("content", [b"<html>", b"\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x02123"])
def test_a_file_that_is_no_idx_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist/train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    monkeypatch.setenv("VAEZOO_DATA", str(tmp_path))
    with pytest.raises(ImageError, match="is not an idx file of bytes, or is cut off"):
        load_images("mnist")


def test_a_folder_and_its_zip_are_the_same_set(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine")
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for file in sorted(folder.iterdir(), reverse=True):
            archive.write(file, f"deep/{file.name}")
    one, other = load_images(str(folder)), load_images(str(tmp_path / "mine.zip"))
    assert one.sha256 == other.sha256 and one.names == ("p0", "p1", "p2")
    assert load_images(str(folder), gray=True).pixels[1].shape == (6, 6, 1)


def test_gray_of_16_bits_is_rounded_not_clipped(tmp_path: Path) -> None:
    levels = (np.arange(64, dtype=np.uint16) * 1040).reshape(8, 8)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    (array,) = load_images(str(tmp_path)).pixels
    np.testing.assert_array_equal(array, np.round(levels / 257).astype(np.uint8)[..., None].repeat(3, 2))


def test_each_page_of_a_tiff_file_is_a_picture(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((4, 5), 257 * level, np.uint16)) for level in (3, 40, 200)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    pages[1].save(tmp_path / "one.TIFF")
    found = load_images(str(tmp_path))
    assert found.names == ("one", "stack-0", "stack-1", "stack-2")
    assert [int(array[0, 0, 0]) for array in found.pixels] == [40, 3, 40, 200]


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_samples_that_are_neither_8_nor_16_bits_are_refused(tmp_path: Path, kind: type) -> None:
    Image.fromarray(np.ones((8, 8), kind)).save(tmp_path / "a.png", format="TIFF")
    with pytest.raises(ImageError, match=r"a\.png .*: its samples are of type '[FI]', not of 8 or 16 bits"):
        load_images(str(tmp_path))


def test_hidden_files_are_no_pictures(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine")
    (folder / "._p0.png").write_bytes(b"what macOS leaves")
    (folder / ".trash").mkdir()
    (folder / "p0.png").rename(folder / ".trash" / "p0.png")
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.write(folder / "p1.png", "p1.png")
        archive.writestr("__MACOSX/._p1.png", b"what macOS leaves")
    assert load_images(str(folder)).names == ("p1", "p2")
    assert load_images(str(tmp_path / "mine.zip")).names == ("p1",)


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pictures(tmp_path / "mine")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.write(folder / "p0.png", "p0.png")
    content = bytearray((tmp_path / "bad.zip").read_bytes())
    content[60] ^= 255
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(ImageError, match=r"p0\.png in .*bad\.zip cannot be read: Bad CRC-32"):
        load_images(str(tmp_path / "bad.zip"))
    with monkeypatch.context() as patched, pytest.raises(ImageError, match=r"p0\.png .* readable picture: Image size"):
        patched.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        load_images(str(folder))
    (folder / "p0.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"p0\.png in .* readable picture: it is empty\. Take it away, or save"):
        load_images(str(folder))
    with pytest.raises(UnknownName, match="'' is neither a data set nor a path"):
        load_images("")


def test_what_is_no_set_of_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"'fashion' is neither a data set nor a path.*'fashion-mnist'"):
        load_images("fashion")
    with pytest.raises(ImageError, match=r"There is no picture \(.png"):
        load_images(str(tmp_path))
    (tmp_path / "bad.png").write_bytes(b"no png")
    with pytest.raises(ImageError, match=r"bad\.png in .* is not a readable picture"):
        load_images(str(tmp_path))
    with pytest.raises(ImageError, match="neither a folder nor a zip"):
        load_images(str(tmp_path / "bad.png"))


def dots() -> Images:
    pixels = np.random.default_rng(0).integers(256, size=(4, 6, 6, 3), dtype=np.uint8)
    return Images("dots", list(pixels), "0" * 64, "CC0-1.0")


def test_a_function_is_a_set() -> None:
    vaezoo.register_data("test-dots", dots)
    assert load_images("test-dots").pixels[0].shape == (6, 6, 3) and "test-dots" in set_names()
    assert load_images("test-dots", gray=True).pixels[0].shape == (6, 6, 1)
    vaezoo.register_data("test-list", list)
    with pytest.raises(ConfigError, match="'test-list' to be a function that returns Images, got "):
        load_images("test-list")


def leaves() -> Images:
    raise SystemExit(9)


def test_a_function_that_exits_ends_nothing() -> None:
    vaezoo.register_data("test-leaves", leaves)
    with pytest.raises(PluginError, match=r"data 'test-leaves' of user cannot be used: it called exit\(9\)"):
        load_images("test-leaves")


def test_a_registry_file_describes_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = load_images(str(pictures(tmp_path / "dots"))).sha256
    row = f"{{kind: pictures, paths: [none, dots], url: 'https://a.example', sha256: '{sha256}', licence: CC0-1.0}}"
    (tmp_path / "r.yaml").write_text(f"data: {{acme-dots: {row}, torn: {{kind: pictures}}}}")
    with pytest.raises(ConfigError, match="line 1: expected the keys 'paths', 'url', 'sha256', 'licence' in torn"):
        Registry("acme").add_file(tmp_path / "r.yaml")
    (tmp_path / "r.yaml").write_text(f"data: {{acme-dots: {row}}}")
    registry = Registry("acme")
    registry.add_file(tmp_path / "r.yaml")
    monkeypatch.setattr(current_zoo().registry.kinds["data"], "entries", registry.kinds["data"].entries)
    with pytest.raises(DataMissing, match=r"'acme-dots' \(CC0-1\.0\).*Get it from https://a\.example"):
        load_images("acme-dots")
    monkeypatch.setenv("VAEZOO_DATA", str(tmp_path))
    assert len(load_images("acme-dots").pixels) == 3 and known_sets()["acme-dots"].licence == "CC0-1.0"
