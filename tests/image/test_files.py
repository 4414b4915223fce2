"""Picture files: what survives, what is converted, what is refused."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms, ImageOps

from vaezoo.errors import ImageError, ShapeError
from vaezoo.image import Picture, read_picture, write_picture

SMOOTH = np.stack(np.meshgrid(np.linspace(0, 255, 40), np.linspace(0, 255, 24)) * 2, -1)[..., :3]
PIXELS = SMOOTH.astype(np.uint8)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf tiff:Orientation=\"6\"/></x:xmpmeta>"


def random_levels(*shape: int, dtype: type = np.uint16) -> np.ndarray:
    return np.random.RandomState(0).randint(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def exif_of(path: Path) -> Image.Exif:
    return Image.open(path).getexif()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_lossless_formats_keep_every_bit(
    tmp_path: Path, suffix: str, dtype: type, channels: int, with_alpha: bool
) -> None:
    pixels = random_levels(7, 5, channels, dtype=dtype)
    alpha = random_levels(7, 5, dtype=dtype) if with_alpha else None
    write_picture(Picture(pixels, alpha), tmp_path / f"a{suffix}")
    back = read_picture(tmp_path / f"a{suffix}")
    assert back.bits == np.iinfo(dtype).bits and (back.pixels == pixels).all()
    assert (back.alpha is None) == (alpha is None) and (alpha is None or (back.alpha == alpha).all())


def test_sixteen_bits_are_read_as_another_program_wrote_them(tmp_path: Path) -> None:
    levels = random_levels(6, 4)
    Image.fromarray(levels).save(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png").pixels[..., 0] == levels).all()


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_formats_stay_near_and_say_their_format(tmp_path: Path, suffix: str) -> None:
    write_picture(Picture(PIXELS), tmp_path / f"a{suffix}")
    back = read_picture(tmp_path / f"a{suffix}")
    assert back.format == {".jpg": "jpeg", ".webp": "webp", ".avif": "heif"}[suffix]
    assert np.abs(back.pixels.astype(int) - PIXELS).mean() < 3


def test_quality_100_is_lossless_in_webp(tmp_path: Path) -> None:
    noise = random_levels(16, 16, 3, dtype=np.uint8)
    write_picture(Picture(noise), tmp_path / "a.webp", quality=100)
    assert (read_picture(tmp_path / "a.webp").pixels == noise).all()


def test_sixteen_bits_are_rounded_for_jpeg() -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    narrow = Picture(every, every[..., 0]).to_8_bits()
    assert (narrow.pixels == np.rint(every / 257)).all() and (narrow.alpha == narrow.pixels[..., 0]).all()
    assert narrow.to_8_bits() is narrow


def test_sixteen_bit_picture_can_be_written_as_jpeg(tmp_path: Path) -> None:
    write_picture(Picture(PIXELS.astype(np.uint16) * 257), tmp_path / "a.jpg")
    assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - PIXELS).mean() < 3


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif"])
def test_metadata_survives(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x829A] = 0.01
    icc = pyvips.Image.black(1, 1).copy(interpretation="srgb").icc_export(output_profile="p3")
    profile = bytes(icc.get("icc-profile-data"))
    Image.fromarray(PIXELS).save(tmp_path / "in.jpg", exif=exif, icc_profile=profile, xmp=XMP, dpi=(300, 300))
    write_picture(read_picture(tmp_path / "in.jpg"), tmp_path / f"out{suffix}")
    out = tmp_path / f"out{suffix}"
    assert exif_of(out)[0x010F] == "Maker" and exif_of(out).get_ifd(0x8769)[0x829A] == pytest.approx(0.01)
    assert exif_of(out)[0x011A] == pytest.approx(300, abs=0.1)
    assert Image.open(out).info["icc_profile"] == profile
    assert read_picture(out).xmp == XMP.replace(b'"6"', b'"1"')


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(path: Path, *chunks: bytes) -> Path:
    Image.fromarray((random_levels(5, 7, 3) >> 8).astype(np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:33] + b"".join(chunks) + content[33:])
    return path


def test_a_png_keeps_its_words_and_what_it_says_of_its_colours(tmp_path: Path) -> None:
    kept = (
        chunk(b"gAMA", struct.pack(">I", 100000)),
        chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        chunk(b"cICP", b"\x09\x10\x00\x01"),
        chunk(b"tEXt", b"Author\0somebody"),
    )
    broken = chunk(b"gAMA", struct.pack(">I", 1))[:-1] + b"?"
    left = broken, chunk(b"tEXt", b"Raw profile type exif\0old"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")
    picture = read_picture(png_with(tmp_path / "in.png", *kept, *left))
    assert picture.chunks == kept
    write_picture(picture, tmp_path / "out.png")
    content = (tmp_path / "out.png").read_bytes()
    assert all(each in content[: content.index(b"IDAT")] for each in kept)
    with Image.open(tmp_path / "out.png") as image:
        assert image.info["gamma"] == 1.0 and image.info["Author"] == "somebody"
    assert read_picture(tmp_path / "out.png").chunks == kept
    with pytest.warns(
        UserWarning, match=r"says by gAMA and cICP that its colours are not sRGB's; jpeg cannot hold that"
    ):
        write_picture(picture, tmp_path / "out.jpg")


def test_a_png_of_srgb_goes_into_every_format_without_a_word(tmp_path: Path) -> None:
    named = chunk(b"sRGB", b"\0"), chunk(b"gAMA", struct.pack(">I", 45455))
    picture = read_picture(png_with(tmp_path / "in.png", *named))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for suffix in (".jpg", ".webp", ".tif"):
            write_picture(picture, (tmp_path / "out").with_suffix(suffix))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_picture(replace(picture, icc=profile), tmp_path / "both.png")
    assert b"sRGB\0" not in (tmp_path / "both.png").read_bytes() and read_picture(tmp_path / "both.png").icc == profile


def test_tiff_keeps_profile_packet_and_resolution(tmp_path: Path) -> None:
    picture = Picture(PIXELS, icc=b"profile", xmp=XMP, resolution=(11.8, 5.9))
    srgb = pyvips.Image.black(1, 1).copy(interpretation="srgb").icc_export(output_profile="srgb")
    picture = replace(picture, icc=bytes(srgb.get("icc-profile-data")))
    write_picture(picture, tmp_path / "a.tif")
    back = read_picture(tmp_path / "a.tif")
    assert back.icc == picture.icc and back.xmp and back.resolution == pytest.approx((11.8, 5.9))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    picture = read_picture(tmp_path / "a.png")
    assert (picture.pixels == upright).all()
    write_picture(picture, tmp_path / "b.png")
    assert exif_of(tmp_path / "b.png")[0x0112] == 1
    assert (read_picture(tmp_path / "b.png").pixels == upright).all()


def test_thumbnail_of_the_old_picture_is_not_kept(tmp_path: Path) -> None:
    small = io.BytesIO()
    Image.fromarray(PIXELS[:8, :8]).save(small, "JPEG")
    one_ifd = struct.pack("<2sHIH", b"II", 42, 8, 0) + struct.pack("<I", 14)
    entries = [(0x0103, 3, 6), (0x0201, 4, 14 + 2 + 3 * 12 + 4), (0x0202, 4, small.tell())]
    thumbnail = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries)
    block = b"Exif\0\0" + one_ifd + thumbnail + struct.pack("<I", 0) + small.getvalue()
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=block)
    assert (tmp_path / "a.jpg").read_bytes().count(b"\xff\xd8\xff") == 2
    write_picture(read_picture(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    assert (tmp_path / "b.jpg").read_bytes().count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_other_png_modes_are_expanded(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    image.save(tmp_path / "a.png")
    expected = np.asarray(image.convert({"1": "L", "P": "RGB"}.get(mode, mode)))
    picture = read_picture(tmp_path / "a.png")
    planes = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha[..., None]]
    assert (np.concatenate(planes, 2).squeeze() == expected).all()


@pytest.mark.parametrize("bits", [8, 16])
def test_cmyk_becomes_srgb(tmp_path: Path, bits: int) -> None:
    cyan = np.full((8, 8, 4), (1, 0, 0, 0)) * (2**bits - 1)
    image = pyvips.Image.new_from_array(cyan.astype(f"uint{bits}")).copy(interpretation="cmyk")
    image.tiffsave(str(tmp_path / "a.tif"))
    picture = read_picture(tmp_path / "a.tif")
    red, green, blue = picture.values()[4, 4]
    assert picture.bits == bits and red < 0.25 and green > 0.5 and blue > 0.7


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_one_pixel_is_a_picture(tmp_path: Path, suffix: str) -> None:
    write_picture(Picture(PIXELS[:1, :1]), tmp_path / f"a{suffix}")
    assert read_picture(tmp_path / f"a{suffix}").pixels.shape == (1, 1, 3)


def test_a_rewritten_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for level in range(5):
        write_picture(Picture(np.full((4, 4, 3), level, np.uint8)), path)
        os.utime(path, (1, 1))
        assert (read_picture(path).pixels == level).all()


def test_a_name_with_brackets_is_only_a_name(tmp_path: Path) -> None:
    path = tmp_path / "büro [page=1].png"
    write_picture(Picture(PIXELS), path)
    assert (read_picture(path).pixels == PIXELS).all()


def test_missing_folder_and_empty_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nothing\.png cannot be read: No such file"):
        read_picture(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="is a folder; a picture file was expected"):
        read_picture(tmp_path)
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageError, match=r"is empty \(0 bytes\)"):
        read_picture(tmp_path / "empty.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(random_levels(64, 48, 3, dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(ImageError, match=r"cannot be decoded: .*damaged, cut short"):
        read_picture(path)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not a picture, whatever its name says")
    with pytest.raises(ImageError, match=r"expected a JPEG, PNG, .* got a file that begins with b'not a pi'"):
        read_picture(tmp_path / "a.png")


def test_a_vector_graphic_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>')
    with pytest.raises(ImageError, match=r"expected a JPEG, PNG, .* got a file that begins with b'<svg xml'"):
        read_picture(tmp_path / "a.svg")


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_animations_are_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(np.roll(PIXELS, shift, 1)) for shift in (0, 5, 9)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="expected a single picture, got an animation or several pages"):
        read_picture(tmp_path / f"a{suffix}")


def test_float_samples_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="expected 8 or 16 bits per sample, got samples of type float"):
        read_picture(tmp_path / "a.tif")


def test_other_bands_are_refused(tmp_path: Path) -> None:
    pyvips.Image.black(4, 4, bands=6).copy(interpretation="srgb").tiffsave(str(tmp_path / "a.tif"))
    with pytest.raises(ImageError, match="expected gray, RGB or CMYK, got 6 bands of srgb; convert it"):
        read_picture(tmp_path / "a.tif")


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    Image.new("1", (40, 30)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="expected at most 1199 pixels, got 40x30"):
        read_picture(tmp_path / "a.png", max_pixels=1199)


def test_unwritable_suffixes_qualities_and_alpha_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"ends with '\.gif', which is no format that can be written"):
        write_picture(Picture(PIXELS), tmp_path / "a.gif")
    with pytest.raises(ImageError, match="Quality is 1 to 100, not 0"):
        write_picture(Picture(PIXELS), tmp_path / "a.jpg", quality=0)
    with pytest.raises(ImageError, match="alpha channel, which JPEG cannot hold"):
        write_picture(Picture(PIXELS, PIXELS[..., 0]), tmp_path / "a.jpg")


def test_a_failed_write_leaves_the_target_and_no_rest(tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(b"old")
    with pytest.raises(ImageError, match="cannot be encoded"):
        write_picture(Picture(np.zeros((1, 20000, 3), np.uint8)), tmp_path / "a.webp")
    assert (tmp_path / "a.webp").read_bytes() == b"old"
    with pytest.raises(ImageError, match="cannot be written: No such file"):
        write_picture(Picture(PIXELS), tmp_path / "no" / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(ImageError, match="cannot be written: Is a directory"):
        write_picture(Picture(PIXELS), tmp_path / "b.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.webp", "b.png"]


def test_a_target_that_nobody_may_look_at_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ImageError, match=r"a\.png cannot be written: Not a directory"):
        write_picture(Picture(PIXELS), tmp_path / "file" / "a.png")


def test_a_complaint_is_made_once(tmp_path: Path) -> None:
    write_picture(Picture(PIXELS), tmp_path / "a.avif")
    content = (tmp_path / "a.avif").read_bytes()
    (tmp_path / "a.avif").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError) as caught:
        read_picture(tmp_path / "a.avif")
    assert "bad seek" not in str(caught.value) and "Unexpected end of file" in str(caught.value)


@pytest.mark.parametrize(
    ("pixels", "alpha", "message"),
    [
        (PIXELS[..., 0], None, r"are \(H, W, 1\) or \(H, W, 3\), not \(24, 40\)"),
        (PIXELS[..., :2], None, r"not \(24, 40, 2\)"),
        (PIXELS[:0], None, r"not \(0, 40, 3\)"),
        (PIXELS.astype(np.float32), None, "are uint8 or uint16, not float32"),
        (PIXELS, PIXELS[:2, :, 0], r"Alpha is \(24, 40\) uint8 as the pixels are, not \(2, 40\) uint8"),
        (PIXELS, PIXELS[..., 0].astype(np.uint16), "not .* uint16"),
    ],
)
def test_a_picture_is_well_formed(pixels: np.ndarray, alpha: np.ndarray | None, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Picture(pixels, alpha)
