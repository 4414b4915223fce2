"""``python -m benchmarks.open_photos REPOSITORIES OUT``: the training set ``wallpapers``, from public repositories.

Which pictures, by whom, under which licence and how much smaller is in open_photos.yaml. ``--list`` writes its
pictures anew by the rule here. Nothing is downloaded: REPOSITORIES is a folder of git clones, bare or not,
under the names of that list.

The hash in sets.yaml is that of pixels from the JPEG decoder in Pillow's wheels; another decoder may differ by a level.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import re
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, final

import click
import numpy as np
import yaml
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from vaezoo.errors import DataMissing

FILE = Path(__file__).with_name("open_photos.yaml")
SUFFIXES = (".jpg", ".jpeg", ".png")
LEAST_SIDE = 400
"""Pixels of the shorter side, after the reduction."""
MOST_EQUAL, MOST_FLAT = 0.55, 0.5
"""Above these a picture counts as a graphic: chosen by eye, on contact sheets of all pictures in order of each."""
LUMA_STEPS = 3688
"""The sum of the luma table of quality 50: ITU-T T.81, annex K, table K.1."""


@final
@dataclass(frozen=True)
class Source:
    """A repository.

    Attributes:
        url: Its address at one commit.
        folder: Where its pictures are.
        licence: Of its pictures.
        prefix: Of the names of its pictures; none where sub-folders tell them apart.
        skip: Sub-folders that are left out, of doubtful licence.
        only: Stems of the pictures that are taken, all where empty.
        reduce: Times each side becomes smaller; 0: by the quality of the file.
        authors: By stem, those that neither an AUTHORS file nor the file's name tells.
    """

    url: str
    folder: str
    licence: str
    prefix: str = ""
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    reduce: float = 0
    authors: dict[str, str] = field(default_factory=dict)


def sources(table: dict[str, Any]) -> dict[str, Source]:
    """Returns the repositories of the list, by the name of their folder."""
    return {name: Source(**row) for name, row in table["repositories"].items()}


def files(repository: Path, folder: str) -> dict[str, str]:
    """Returns the blob of each file in a folder of a repository's HEAD, by its path there.

    Raises:
        DataMissing: There is no repository.
    """
    done = subprocess.run(
        ["git", "-C", str(repository), "ls-tree", "-r", "-z", "HEAD", "--", folder], capture_output=True, check=False
    )
    if done.returncode:
        raise DataMissing(
            f"{repository} is not a git repository: {done.stderr.decode().strip()}.",
            hint="Clone the repositories that open_photos.yaml names into one folder.", value=str(repository),
        )  # fmt: skip
    entries = (entry.split("\t", 1) for entry in done.stdout.decode().split("\0") if entry)
    return {str(PurePosixPath(path).relative_to(folder)): facts.split()[2] for facts, path in entries}


def content(repository: Path, blob: str) -> bytes | None:
    """Returns a file's bytes, None where the clone lacks them."""
    command = ["git", "-C", str(repository), "cat-file", "blob", blob]
    done = subprocess.run(command, capture_output=True, check=False)
    return None if done.returncode else done.stdout


def quality(picture: Image.Image) -> float | None:
    """Returns the quality by which libjpeg scales its luma table to that of a JPEG file; None of other files."""
    if not isinstance(picture, JpegImageFile):
        return None
    scale = 100 * sum(picture.quantization[0]) / LUMA_STEPS
    return (200 - scale) / 2 if scale <= 100 else 5000 / scale


def reduction(found: float | None) -> int:
    """Returns how many times smaller a side must become, so that the traces of JPEG are averaged away."""
    return 2 if found is None or found > 88 else 3 if found >= 75 else 4


def reduced(picture: Image.Image, times: float) -> Image.Image:
    """Returns an upright RGB picture whose sides are some times smaller: means of boxes, or Lanczos for 1.5 times."""
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    if times == int(times):
        return upright.reduce(int(times))
    width, height = (round(side / times) for side in upright.size)
    return upright.resize((width, height), Image.Resampling.LANCZOS)


def flatness(picture: Image.Image) -> tuple[float, float]:
    """Returns the share of neighbours of equal luma, and that of 16x16 blocks with a deviation below 1 of 255."""
    luma = np.asarray(picture.convert("L")).astype(np.float32)
    equal = ((luma[:, 1:] == luma[:, :-1]).mean() + (luma[1:] == luma[:-1]).mean()) / 2
    rows, columns = (side // 16 for side in luma.shape)
    blocks = luma[: rows * 16, : columns * 16].reshape(rows, 16, columns, 16).swapaxes(1, 2)
    return float(equal), float((blocks.std((2, 3)) < 1).mean())


def name_of(source: Source, path: str) -> str:
    """Returns the ASCII name of a picture."""
    stem = str(PurePosixPath(path).with_suffix(""))
    ascii_only = unicodedata.normalize("NFKD", f"{source.prefix}/{stem}").encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", ascii_only.lower()).strip("-")


def author_of(source: Source, path: str, authors: str) -> str:
    """Returns who made a picture: by an AUTHORS file ("TITLE by NAME" under each folder's name) or the file's name."""
    stem = PurePosixPath(path).stem
    if stem in source.authors:
        return source.authors[stem]
    section = re.search(
        rf"^{re.escape(PurePosixPath(path).parts[0])}\n=+\n(.*?)(?:\n\n|\Z)", authors, re.M | re.S | re.I
    )
    rows = re.findall(r"^'?(.*\S)\s+by\s+(.*?)'?\s*(?:<.*>)?$", section[1], re.M) if section else []
    names = {_plain(title): name for title, name in rows}
    title, by, named = stem.rpartition("_by_")
    close = difflib.get_close_matches(_plain(title if by else stem), names, 1, 0.75)
    return names[close[0]] if close else named.replace("_", " ") if by else "unknown"


def _plain(title: str) -> str:
    return re.sub(r"\W|_|wallpaper$|\d$", "", title.lower())


def listed(repositories: Path, table: dict[str, Any]) -> tuple[list[dict[str, Any]], Counter[tuple[str, str]]]:
    """Chooses the pictures by the rule.

    Returns:
        Rows for open_photos.yaml, and how many pictures of each repository were left out for each reason.
    """
    rows, left_out = list[dict[str, Any]](), Counter[tuple[str, str]]()
    for name, source in sources(table).items():
        found = files(repositories / name, source.folder)
        authors = (content(repositories / name, found["AUTHORS"]) or b"").decode() if "AUTHORS" in found else ""
        for path, blob in found.items():
            reason, times = _judged(repositories / name, source, path, blob, table["by_eye"])
            if reason:
                left_out[name, reason] += 1
            elif times:
                author = author_of(source, path, authors)
                row = {"name": name_of(source, path), "repository": name, "path": path, "blob": blob}
                rows.append(row | {"author": author, "licence": source.licence, "reduce": times})
    return sorted(rows, key=lambda row: str(row["name"])), left_out


def _judged(repository: Path, source: Source, path: str, blob: str, by_eye: dict[str, str]) -> tuple[str, float]:
    """Returns why a file is left out, or nothing and how many times smaller it becomes; 0 of what is no picture."""
    inside = PurePosixPath(path)
    if inside.suffix.lower() not in (*SUFFIXES, ".webp"):
        return "", 0
    if inside.parts[0] in source.skip:
        return "of doubtful licence", 0
    if source.only and inside.stem not in source.only:
        return "not among those chosen", 0
    if inside.suffix == ".webp":
        return "of unknown quality", 0
    raw = content(repository, blob)
    if raw is None:
        return "not in the clone", 0
    with Image.open(io.BytesIO(raw)) as picture:
        times = source.reduce or reduction(quality(picture))
        small = reduced(picture, times)
    if min(small.size) < LEAST_SIDE:
        return f"below {LEAST_SIDE} pixels", 0
    equal, flat = flatness(small)
    if equal > MOST_EQUAL or flat > MOST_FLAT:
        return "flat", 0
    return by_eye.get(path, ""), times


def prepared(repositories: Path, table: dict[str, Any]) -> Iterator[tuple[str, Image.Image]]:
    """Reads the pictures of the list, and reduces them.

    Raises:
        DataMissing: A clone lacks a file, or has another one at its path.
    """
    known = sources(table)
    found = {name: files(repositories / name, source.folder) for name, source in known.items()}
    for row in table["pictures"]:
        name, path = row["repository"], row["path"]
        blob = found[name].get(path, "none")
        raw = content(repositories / name, row["blob"]) if blob == row["blob"] else None
        came = blob if raw is None else hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest()
        if raw is None or came != row["blob"]:
            reason = "its content is not in the clone" if came == row["blob"] else f"HEAD has {came}"
            raise DataMissing(
                f"{path} of {name}: expected git blob {row['blob']}, but {reason}.",
                hint=f"Check out {known[name].url}.", value=path,
            )  # fmt: skip
        with Image.open(io.BytesIO(raw)) as picture:
            yield row["name"], reduced(picture, row["reduce"])


def renewed(text: str, rows: list[dict[str, Any]]) -> str:
    """Returns the list with other pictures."""
    lines = [yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
             for row in rows]  # fmt: skip
    return text.partition("\npictures:\n")[0] + "\npictures:\n" + "".join(f"- {line}" for line in lines)


@click.command()
@click.argument("repositories", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--list", "anew", is_flag=True, help="Choose the pictures anew, and write them into open_photos.yaml.")
def main(repositories: Path, out: Path | None, anew: bool) -> None:
    """Write the pictures of open_photos.yaml to OUT as lossless WebP."""
    text = FILE.read_text(encoding="utf-8")
    if anew:
        rows, left_out = listed(repositories, yaml.safe_load(text))
        text = renewed(text, rows)
        FILE.write_text(text, encoding="utf-8")
        for (name, reason), count in sorted(left_out.items()):
            click.echo(f"{name}: {count} left out, {reason}")
    pixels = Counter[str]()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, picture in prepared(repositories, yaml.safe_load(text)):
            picture.save(out / f"{name}.webp", lossless=True, quality=0, method=0)
            pixels[name] = picture.width * picture.height
        click.echo(f"{len(pixels)} pictures, {pixels.total() / 1e6:.1f} megapixels")


if __name__ == "__main__":
    main()
