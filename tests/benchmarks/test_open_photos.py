"""The training set ``wallpapers``: chosen by a rule, made from git blobs that are named by their hashes."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from benchmarks import open_photos
from benchmarks.open_photos import Source
from vaezoo.data.sets import known_sets, load_images
from vaezoo.errors import DataMissing

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

TABLE = """
repositories:
  papers: {url: "https://example.org/tree/main", folder: curated, licence: CC0-1.0, skip: [stock]}
by_eye: {natty/Drawing_by_Ann.jpg: graphic}
pictures:
"""
AUTHORS = "Natty\n=====\nFine Day by Jörg <j@example.org>\nNight by night by Éva\n\nLucid\n=====\nBusy one by Bo\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)


def save(path: Path, picture: Image.Image, **how: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **how)


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    """A repository with what is kept, at each quality, and what is left out, for each reason."""
    curated = tmp_path / "clones" / "papers" / "curated"
    save(curated / "natty" / "Fine_Däy_by_J.jpg", photo(1600, 1200), quality=95)
    save(curated / "natty" / "Night_by_night_by_E.jpg", photo(1500, 1200), quality=80)
    save(curated / "lucid" / "Busyone.jpg", photo(2000, 1600), quality=60)
    save(curated / "lucid" / "sharp.png", photo(1000, 800))
    save(curated / "lucid" / "small.png", photo(1000, 798))
    save(curated / "lucid" / "flat.png", Image.new("RGB", (1000, 800), "teal"))
    save(curated / "natty" / "Drawing_by_Ann.jpg", photo(1000, 800), quality=95)
    save(curated / "natty" / "unknown.webp", photo(1000, 800))
    save(curated / "stock" / "bought.png", photo(1000, 800))
    (curated / "AUTHORS").write_text(AUTHORS, encoding="utf-8")
    git(curated.parent, "init", "--quiet")
    git(curated.parent, "add", ".")
    git(curated.parent, "commit", "--quiet", "-m", "Begin")
    return tmp_path / "clones"


@pytest.fixture
def table(repositories: Path) -> dict[str, Any]:
    rows, _ = open_photos.listed(repositories, yaml.safe_load(TABLE))
    return {**yaml.safe_load(TABLE), "pictures": rows}


def object_of(repositories: Path, blob: str) -> Path:
    return repositories / "papers" / ".git" / "objects" / blob[:2] / blob[2:]


def test_the_rule_chooses_by_content_and_reduces_by_quality(repositories: Path) -> None:
    rows, left_out = open_photos.listed(repositories, yaml.safe_load(TABLE))
    assert {row["name"]: (row["reduce"], row["author"]) for row in rows} == {
        "lucid-busyone": (4, "Bo"),
        "lucid-sharp": (2, "unknown"),
        "natty-fine-day-by-j": (2, "Jörg"),
        "natty-night-by-night-by-e": (3, "Éva"),
    }
    assert rows == sorted(rows, key=lambda row: str(row["name"]))
    reasons = {reason: count for (_, reason), count in left_out.items()}
    assert reasons == dict.fromkeys(
        ("below 400 pixels", "flat", "graphic", "of unknown quality", "of doubtful licence"), 1
    )


def test_what_a_clone_lacks_is_counted(repositories: Path, table: dict[str, Any]) -> None:
    object_of(repositories, table["pictures"][0]["blob"]).unlink()
    rows, left_out = open_photos.listed(repositories, table)
    assert rows == table["pictures"][1:] and left_out["papers", "not in the clone"] == 1


@pytest.mark.parametrize("quality", [30, 50, 75, 88, 95])
def test_the_quality_of_a_file_is_found(quality: int) -> None:
    file = io.BytesIO()
    photo(64, 64).save(file, "JPEG", quality=quality)
    found = open_photos.quality(Image.open(file))
    assert found is not None and abs(found - quality) < 0.6
    assert open_photos.quality(photo(64, 64)) is None


def test_pictures_are_upright_and_smaller() -> None:
    file, turned = io.BytesIO(), Image.Exif()
    turned[274] = 6
    photo(60, 30).save(file, "JPEG", exif=turned)
    assert open_photos.reduced(Image.open(file), 3).size == (10, 20)
    assert open_photos.reduced(Image.open(file), 1.5).size == (20, 40)


@pytest.mark.parametrize(("picture", "flat"), [(Image.new("L", (64, 48)), (1, 1)), (photo(64, 48), (0, 0))])
def test_flatness(picture: Image.Image, flat: tuple[float, float]) -> None:
    assert open_photos.flatness(picture) == pytest.approx(flat, abs=0.05)


def test_the_command_lists_and_writes_what_training_reads(
    repositories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_photos, "FILE", tmp_path / "list.yaml")
    open_photos.FILE.write_text(TABLE, encoding="utf-8")
    run = CliRunner().invoke(open_photos.main, ["--list", str(repositories), str(tmp_path / "first")])
    assert run.exit_code == 0 and "papers: 1 left out, flat\n" in run.output
    assert run.output.endswith("4 pictures, 1.1 megapixels\n")
    again = CliRunner().invoke(open_photos.main, [str(repositories), str(tmp_path / "second")])
    assert again.output == "4 pictures, 1.1 megapixels\n"
    assert open_photos.FILE.read_text(encoding="utf-8").startswith(TABLE)
    first, second = (load_images(str(tmp_path / name)) for name in ("first", "second"))
    assert first.sha256 == second.sha256 and first.names[0] == "lucid-busyone"
    _, picture = next(open_photos.prepared(repositories, yaml.safe_load(open_photos.FILE.read_text(encoding="utf-8"))))
    assert np.array_equal(first.pixels[0], np.asarray(picture)) and picture.size == (500, 400)


def changed(repositories: Path, row: dict[str, Any]) -> str:
    save(repositories / "papers" / "curated" / row["path"], photo(1000, 800, seed=1))
    git(repositories / "papers", "commit", "--quiet", "--all", "-m", "Change")
    return "but HEAD has " + git(repositories / "papers", "rev-parse", f"HEAD:curated/{row['path']}")


def removed(repositories: Path, row: dict[str, Any]) -> str:
    git(repositories / "papers", "rm", "--quiet", f"curated/{row['path']}")
    git(repositories / "papers", "commit", "--quiet", "-m", "Remove")
    return "but HEAD has none"


def absent(repositories: Path, row: dict[str, Any]) -> str:
    object_of(repositories, row["blob"]).unlink()
    return "but its content is not in the clone"


@pytest.mark.parametrize("happens", [changed, removed, absent])
def test_another_file_is_refused(
    repositories: Path, table: dict[str, Any], happens: Callable[[Path, dict[str, Any]], str]
) -> None:
    row = table["pictures"][1]
    reason = happens(repositories, row)
    with pytest.raises(DataMissing) as caught:
        list(open_photos.prepared(repositories, table))
    expected = f"lucid/sharp.png of papers: expected git blob {row['blob']}, {reason}."
    assert str(caught.value) == f"{expected} Check out https://example.org/tree/main."


def test_a_folder_without_the_clones_is_refused(tmp_path: Path, table: dict[str, Any]) -> None:
    with pytest.raises(DataMissing, match=r"papers is not a git repository: .* Clone the repositories"):
        list(open_photos.prepared(tmp_path / "elsewhere", table))


def test_the_list_is_whole() -> None:
    text = open_photos.FILE.read_text(encoding="utf-8")
    table = yaml.safe_load(text)
    rows, known = table["pictures"], open_photos.sources(table)
    assert open_photos.renewed(text, rows) == text
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names) and all(name.isascii() for name in names) and names == sorted(names)
    for row in rows:
        source: Source = known[row["repository"]]
        assert row["name"] == open_photos.name_of(source, row["path"])
        assert row["licence"] == source.licence and row["author"] and len(row["blob"]) == 40
        assert row["path"] not in table["by_eye"] and row["path"].split("/")[0] not in source.skip
    wallpapers = known_sets()["wallpapers"]
    for source in known.values():
        assert source.url.partition("/tree/")[0] in wallpapers.url and source.licence in wallpapers.licence
