"""``python -m benchmarks.photos``: what a person gets on real and realistic photos; writes ``docs/photos.md``.

Each picture's result is kept as it comes, so a run can be stopped and goes on where it was. What is not there is
skipped and said: the real pairs (CC15), peers' packages and weights, models without weights.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
import torch

from benchmarks.photo import page as photo_page
from benchmarks.photo.methods import METHODS, Candidate
from benchmarks.photo.sets import Photo, taken
from benchmarks.photo.suites import PARTS, SUITES, Suite
from benchmarks.photo.told import still_to_try
from benchmarks.records import Key, Records
from vaezoo.data.sets import load_images
from vaezoo.errors import DataMissing, VaezooError

RESULTS = Path(__file__).parent / "results" / "photos.json"
SHOWN = (("city-lossless", "night phone", 150, 130), ("dog-lossless", "messenger", 70, 60))
"""The figure: pictures of gb82, their cameras, and top and left of the crops in the photo that the camera writes."""
CROP = 160


def measure(suite: Suite, method: Candidate, photo: Photo, level: float) -> dict[str, float]:
    """Scores a method on one photo, with its CPU time (all threads) per million pixels."""
    start = time.process_time()
    answer = method.run(photo, level)
    seconds = time.process_time() - start
    megapixels = photo.x.shape[2] * photo.x.shape[3] / 1e6
    return {**suite.score(photo, answer), "cpu_seconds_per_megapixel": seconds / megapixels}


def run_level(
    suite: Suite,
    chosen: Sequence[Candidate],
    level: float,
    records: Records,
    *,
    folder: Path | None = None,
    limit: int | None = None,
    refresh: bool = False,
) -> list[str]:
    """Measures methods on a suite's photos at a level, as far as it is not recorded; returns the photos' names.

    Args:
        suite: The suite.
        chosen: The methods.
        level: Of the damage, or what the methods are told.
        records: Where it is kept.
        folder: CC15's; None: it is looked for.
        limit: Only the first photos.
        refresh: Whether to measure again what is recorded.
    """
    names: list[str] = []
    for name, make in suite.source(level, folder):
        if limit is not None and len(names) == limit:
            break
        names.append(name)
        keys = [Key(method.name, method.identity, suite.name, level, name) for method in chosen]
        missing = [(m, key) for m, key in zip(chosen, keys, strict=True) if refresh or key not in records]
        photo = make() if missing else None
        for method, key in missing:
            if photo is not None:
                records.add(key, values := measure(suite, method, photo, level))
                shown = values.get("psnr_db", values.get("luma", math.nan))
                click.echo(f"{suite.name} {name} {level:g} {method.name}: {shown:.2f}")
    return names


def run_suite(
    suite: Suite,
    chosen: Sequence[Candidate],
    records: Records,
    *,
    folder: Path | None = None,
    limit: int | None = None,
    refresh: bool = False,
) -> None:
    """Measures methods on a suite; those that are told something search for the best; arguments as in `run_level`."""
    told = [method for method in chosen if METHODS[method.name].told]
    blind = [method for method in chosen if method not in told]
    options = {"folder": folder, "limit": limit, "refresh": refresh}
    for level in suite.levels if blind else ():
        run_level(suite, blind, level, records, **options)  # type: ignore[arg-type]
    for method in told:
        found: dict[float, float] = {}
        while wanted := still_to_try(found):
            for level in wanted:
                names = run_level(suite, [method], level, records, **options)  # type: ignore[arg-type]
                mean = records.average(method.name, suite.name, level, names)
                found[level] = -math.inf if mean is None else mean["psnr_db"]


def available(names: Sequence[str], weights: Mapping[str, Path]) -> dict[str, Candidate]:
    """Returns methods by name; says which are not there."""
    found = {}
    for name in names:
        try:
            found[name] = METHODS[name].make(weights)
        except (VaezooError, ImportError) as error:
            click.echo(f"skipped: {name}: {error}")
    return found


def draw(chosen: Mapping[str, Candidate], path: Path) -> None:
    """Draws photos as they come, by the old and the new weights, and clean, side by side."""
    from matplotlib.figure import Figure

    images = load_images("gb82")
    figure = Figure(figsize=(10.4, 2.75 * len(SHOWN)), layout="constrained")
    axes = figure.subplots(len(SHOWN), 4, squeeze=False)
    for row, (name, camera, top, left) in zip(axes, SHOWN, strict=True):
        index = images.names.index(name)
        photo = taken(images.pixels[index], camera, index)
        answers = [chosen[method].run(photo, 0).image for method in ("open", "enhance")]
        titles = (camera, "weights for white noise", "enhanced", "clean")
        for axis, title, image in zip(row, titles, (photo.y, *answers, photo.x), strict=True):
            part = image[0, :, top : top + CROP, left : left + CROP].clamp(0, 1).permute(1, 2, 0)
            axis.imshow(np.asarray(part), interpolation="nearest")
            axis.set_title(title, fontsize=11)
            axis.set(xticks=[], yticks=[])
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110, pil_kwargs={"quality": 88})


def weight_files(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> dict[str, Path]:
    """Reads ``denoise=FILE``."""
    pairs = [text.partition("=") for text in texts]
    for name, _, file in pairs:
        if name not in ("denoise", "denoise-small", "dejpeg") or not Path(file).is_file():
            raise click.BadParameter(f"Expected denoise=FILE, denoise-small=FILE or dejpeg=FILE, got {name}={file}.")
    return {name: Path(file) for name, _, file in pairs}


@click.command()
@click.option("--parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated.")
@click.option("--methods", multiple=True, type=click.Choice(list(METHODS)), help="Only this method; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first photos of each suite.")
@click.option(
    "--cc15",
    type=click.Path(path_type=Path),
    help="Folder of the real pairs. Default: test/cc15 in one of $VAEZOO_DATA.",
)
@click.option("--weights", multiple=True, callback=weight_files, help="MODEL=FILE: try a file; needs --results.")
@click.option("--results", type=click.Path(path_type=Path), help="Where measurements are kept; elsewhere, no page.")
@click.option("--refresh", is_flag=True, help="Measure again what is recorded.")
@click.option("--picture/--no-picture", default=True, help="Draw the page's picture too.")
@click.option("--write", is_flag=True, help="Only write the page again, from what was measured.")
def main(
    parts: tuple[str, ...],
    methods: tuple[str, ...],
    limit: int | None,
    cc15: Path | None,
    weights: dict[str, Path],
    results: Path | None,
    refresh: bool,
    picture: bool,
    write: bool,
) -> None:
    """Measure what a person gets on photos, and write the page."""
    if weights and results is None:
        raise click.UsageError("--weights is for trying: say with --results where its measurements are kept.")
    torch.set_num_threads(1)
    records = Records(results or RESULTS)
    suites = [] if write else [suite for suite in SUITES if suite.part in (parts or PARTS)]
    wanted = [name for name in methods or METHODS if any(name in suite.methods for suite in suites)]
    chosen = available(wanted, weights)
    for suite in suites:
        here = [chosen[name] for name in suite.methods if name in chosen]
        try:
            run_suite(suite, here, records, folder=cc15, limit=limit, refresh=refresh)
        except DataMissing as error:
            click.echo(f"skipped: {suite.name}: {error}")
    if results is not None:
        return
    if picture and not write and {"open", "photo", "enhance"} <= chosen.keys():
        draw(chosen, photo_page.FIGURE)
    photo_page.PAGE.write_text(photo_page.page(records), encoding="utf-8")


if __name__ == "__main__":
    main()
