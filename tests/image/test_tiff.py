"""EXIF in TIFF files, as two other programs' code writes and reads it: Pillow's and tifffile's."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from vaezoo.image import Picture, read_picture, write_picture
from vaezoo.image.file.tiff import read_exif, with_exif

LEVELS = np.random.RandomState(0).randint(0, 65536, (24, 40, 3)).astype(np.uint16)
LEVELS.flags.writeable = False
CAMERA, PLACE = 0x8769, 0x8825


def told() -> Image.Exif:
    """What a camera says: every kind of value that EXIF knows."""
    exif = Image.Exif()
    exif[271], exif[315] = "ACME", "Jose"
    exif[274] = 1
    exif.get_ifd(CAMERA).update(
        {33434: IFDRational(1, 250), 37380: IFDRational(-1, 2), 34855: 400, 36864: b"0232", 37500: b"maker's own" * 9}
    )
    exif.get_ifd(CAMERA).update({40962: 999, 40963: 999, 0xA434: "50mm"})
    exif.get_ifd(PLACE).update({1: "N", 2: (52.0, 30.0, 0.25), 5: b"\1"})
    return exif


def sixteen_bits(path: Path, order: str) -> None:
    """Writes a 16-bit colour TIFF by tifffile, its EXIF by Pillow; tifffile leaves room for the two pointers."""
    room = {65000: CAMERA, 65001: PLACE}
    texts = [(271, "s", 0, "ACME", True), (315, "s", 0, "José".encode(), True)]
    tags = [*texts, *((tag, "I", 1, 0, True) for tag in room)]
    tifffile.imwrite(path, LEVELS, photometric="rgb", byteorder=order, extratags=tags)
    content = path.read_bytes()
    for placeholder, tag in room.items():
        exif = Image.Exif()
        exif.endian = order
        for name, value in told().get_ifd(tag).items():
            exif[name] = value
        content += b"\0" * (len(content) % 2)
        entry, place = struct.pack(f"{order}HHI", placeholder, 4, 1), len(content)
        assert content.count(entry) == 1
        at = content.index(entry)
        content = content[:at] + struct.pack(f"{order}HHII", tag, 4, 1, place) + content[at + 12 :]
        content += exif.tobytes(place)[14:]
    path.write_bytes(content)


@pytest.mark.parametrize("order", "<>")
def test_sixteen_bits_and_exif_go_through(tmp_path: Path, order: str) -> None:
    sixteen_bits(tmp_path / "a.tif", order)
    picture = read_picture(tmp_path / "a.tif")
    assert (picture.pixels == LEVELS).all()
    write_picture(picture, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        page = file.pages.first
        assert (page.asarray() == LEVELS).all() and page.tags[271].value == "ACME"
        camera, place = page.tags[CAMERA].value, page.tags[PLACE].value
    assert camera["ExposureTime"] == (1, 250) and camera["ExposureBiasValue"] == (-1, 2)
    assert camera["ISOSpeedRatings"] == 400 and camera["MakerNote"] == b"maker's own" * 9
    assert (camera["PixelXDimension"], camera["PixelYDimension"]) == (40, 24) and camera["LensModel"] == "50mm"
    assert place["GPSLatitudeRef"] == "N" and place["GPSLatitude"] == (52.0, 30.0, 0.25)
    exif = Image.open(tmp_path / "b.tif").getexif()
    assert exif[315].encode("latin-1").decode() == "José" and exif.get_ifd(CAMERA)[33434] == pytest.approx(0.004)


@pytest.mark.parametrize("order", "<>")
def test_big_tiffs_are_read_too(tmp_path: Path, order: str) -> None:
    extra = [(271, "s", 0, "ACME & Sons", True), (306, "s", 0, "now", True)]
    tifffile.imwrite(
        tmp_path / "a.tif", LEVELS, photometric="rgb", byteorder=order, bigtiff=True, extratags=extra, metadata=None
    )
    write_picture(read_picture(tmp_path / "a.tif"), tmp_path / "b.tif")
    exif = Image.open(tmp_path / "b.tif").getexif()
    assert (exif[271], exif[306]) == ("ACME & Sons", "now") and (
        read_picture(tmp_path / "b.tif").pixels == LEVELS
    ).all()


def test_exif_goes_from_jpeg_to_tiff_and_back(tmp_path: Path) -> None:
    """A phone turns its photo by a tag; the pixels are upright after, and EXIF's sides are theirs."""
    exif = told()
    exif[274] = 6
    Image.fromarray((LEVELS >> 8).astype(np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    write_picture(read_picture(tmp_path / "a.jpg"), tmp_path / "b.tif")
    write_picture(read_picture(tmp_path / "b.tif"), tmp_path / "c.jpg")
    for name in ("b.tif", "c.jpg"):
        image = Image.open(tmp_path / name)
        found = image.getexif()
        assert image.size == (24, 40) and found[271] == "ACME" and found[274] == 1
        assert found.get_ifd(CAMERA)[34855] == 400 and found.get_ifd(PLACE)[1] == "N"
        assert (found.get_ifd(CAMERA)[40962], found.get_ifd(CAMERA)[40963]) == (24, 40)


def test_a_tiff_without_exif_has_none(tmp_path: Path) -> None:
    write_picture(Picture(LEVELS), tmp_path / "a.tif")
    assert read_picture(tmp_path / "a.tif").exif is None


def test_malformed_exif_is_left_out_with_a_warning(tmp_path: Path) -> None:
    sixteen_bits(tmp_path / "a.tif", "<")
    content = (tmp_path / "a.tif").read_bytes()
    at = content.index(struct.pack("<HHI", CAMERA, 4, 1)) + 8
    (tmp_path / "a.tif").write_bytes(content[:at] + struct.pack("<I", 10**8) + content[at + 4 :])
    with pytest.warns(UserWarning, match=r"a\.tif: the EXIF is malformed \(.*\), so it is left out"):
        picture = read_picture(tmp_path / "a.tif")
    assert (picture.pixels == LEVELS).all() and picture.exif is None
    with pytest.warns(
        UserWarning, match=r"b\.tif: the EXIF is malformed \(it starts with b'nons'\), so it is left out"
    ):
        write_picture(Picture(LEVELS, exif=b"nonsense"), tmp_path / "b.tif")
    assert (read_picture(tmp_path / "b.tif").pixels == LEVELS).all()


@pytest.mark.parametrize("order", "<>")
def test_no_cut_of_a_block_is_more_than_a_value_error(tmp_path: Path, order: str) -> None:
    exif = told()
    exif.endian = order
    block = exif.tobytes()
    write_picture(Picture(LEVELS), tmp_path / "a.tif")
    tiff, refused = (tmp_path / "a.tif").read_bytes(), 0
    for end in range(len(block)):
        try:
            with_exif(tiff, block[:end])
        except ValueError:
            refused += 1
    assert refused > len(block) // 2
    for at in range(6, len(block)):
        try:
            with_exif(tiff, block[:at] + b"\xff\xff\xff\xff" + block[at + 4 :])
        except ValueError:
            refused += 1


def test_a_block_read_is_a_block_written(tmp_path: Path) -> None:
    sixteen_bits(tmp_path / "a.tif", ">")
    block = read_exif(tmp_path / "a.tif")
    assert block is not None and block.startswith(b"Exif\0\0II*\0")
    exif = Image.Exif()
    exif.load(block)
    assert {271, 315, CAMERA, PLACE} <= set(exif) and not {256, 273, 279} & set(exif)
    assert exif.get_ifd(CAMERA)[37380] == pytest.approx(-0.5) and exif.get_ifd(CAMERA)[36864] == b"0232"
    own = io.BytesIO()
    Image.new("L", (3, 2)).save(own, "tiff")
    (tmp_path / "b.tif").write_bytes(with_exif(own.getvalue(), block))
    assert Image.open(tmp_path / "b.tif").getexif().get_ifd(CAMERA)[34855] == 400
