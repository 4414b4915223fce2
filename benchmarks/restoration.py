"""Compares restorers: ``python -m benchmarks.restoration``; writes ``docs/restoration.md`` and its figures.

Each picture's result is kept as it comes, so a run can be stopped and goes on where it was. Learned peers run where
their weights are in a folder of ``$VAEZOO_PEERS``; what is not there is skipped and said, and so are models of this zoo
without weights.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.records import Key, Records
from benchmarks.restorers import frontier, methods, report
from benchmarks.restorers.suites import METHODS, SUITES, Suite
from vaezoo.data.sets import Images, load_images
from vaezoo.errors import VaezooError
from vaezoo.evaluate import score
from vaezoo.image import Picture, psnr_db, to_tensor
from vaezoo.restore import write_figure
from vaezoo.restore.task import Example

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "restoration.json"
TILE = 256
SHOWN, SHOWN_SIGMA = "23", 50
"""The picture of the figure, and its noise level."""


def picture(images: Images, index: int) -> Tensor:
    """Returns a set's picture, (1, C, H, W) in [0, 1]."""
    return to_tensor(Picture(np.asarray(images.pixels[index])))


def examples(suite: Suite, images: Images, level: float) -> Iterator[tuple[str, Example]]:
    """Yields the pictures of a suite, damaged, with their names."""
    for index, name in enumerate(images.names):
        yield name, suite.example(picture(images, index), level, index)


def measure(suite: Suite, method: methods.Method, example: Example, level: float) -> dict[str, float]:
    """Scores a method on one picture, with its CPU time (all threads) per million pixels of the result."""
    x, y, task = example
    start = time.process_time()
    image, scale, facts = method.run(y, level, task)
    seconds = time.process_time() - start
    compare = suite.protocol.compared
    x_hat, clean = compare(image.clamp(0, 1), level), compare(x, level)
    stated = scale if x_hat.shape == image.shape else None  # luma has no scale of its own
    values = {**score(x_hat, clean, stated), **facts}
    return {**values, "cpu_seconds_per_megapixel": seconds / (x.shape[2] * x.shape[3] / 1e6)}


def compare_tiles(whole: methods.Method, tiled: methods.Method, example: Example, level: float,
                  difference: Path) -> dict[str, float]:  # fmt: skip
    """Compares a picture restored in tiles with the same restored whole, and draws 128 + 1000 times the difference."""
    one, other = (method.run(example.y, level, example.task).image for method in (whole, tiled))
    levels = 255 * (other - one)
    difference.parent.mkdir(parents=True, exist_ok=True)
    drawn = (128 + 1000 * levels[0]).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(drawn).save(difference)
    return {
        "psnr_change_db": (psnr_db(other, example.x) - psnr_db(one, example.x)).abs().item(),
        "largest_difference_levels": levels.abs().max().item(),
    }


def run(suite: Suite, chosen: Sequence[methods.Method], images: Images, levels: Sequence[float], records: Records,
        refresh: bool) -> None:  # fmt: skip
    """Measures every method on every picture at every level, as far as it is not recorded."""
    for method, level in itertools.product(chosen, levels):
        if method.levels is not None and level not in method.levels:
            continue
        for name, example in examples(suite, images, level):
            key = Key(method.name, method.identity, suite.name, level, name)
            if refresh or key not in records:
                records.add(key, values := measure(suite, method, example, level))
                print(f"{suite.name} {name} {level:g} {method.name}: {values['psnr_db']:.2f} dB", flush=True)


def run_tiled(suite: Suite, whole: methods.Method, tiled: methods.Method, images: Images, level: float,
              records: Records, refresh: bool) -> None:  # fmt: skip
    """Compares tiles with the whole on every picture, as far as it is not recorded."""
    for name, example in examples(suite, images, level):
        key = Key(tiled.name, tiled.identity, suite.name, level, name)
        if refresh or key not in records:
            file = ROOT / "runs" / "tiled-minus-whole" / f"{images.source}-{name}.png"
            records.add(key, compare_tiles(whole, tiled, example, level, file))


def draw(suite: Suite, method: methods.Method, images: Images) -> None:
    """Draws the documentation's figure: noisy, denoised and uncertainty."""
    example = dict(examples(suite, images, SHOWN_SIGMA)).get(SHOWN)
    if example is None:
        return
    result = method.run(example.y, SHOWN_SIGMA, example.task)
    before, after = (image[0].clamp(0, 1).permute(1, 2, 0).numpy() for image in (example.y, result.image))
    sure = None if result.scale is None else result.scale[0].square().mean(0).sqrt().numpy()
    report.FIGURE.parent.mkdir(parents=True, exist_ok=True)
    write_figure(report.FIGURE, before, after, sure)


def available(names: Sequence[str], weights: Path | None, strict: bool) -> dict[str, methods.Method]:
    """Returns methods by name; says which are not there, or raises the first such error where ``strict``."""
    found = {}
    for name in names:
        try:
            make = METHODS[name].make
            found[name] = make(weights=weights) if weights and METHODS[name].own else make()  # type: ignore[call-arg]
        except (VaezooError, ImportError) as error:
            if strict:
                raise
            print(f"skipped: {name}: {error}", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restoration", description=__doc__)
    parser.add_argument("--task", nargs="+", choices=sorted({s.task for s in SUITES}), help="only these tasks")
    parser.add_argument("--sets", nargs="+", choices=[s.data for s in SUITES], help="only these test sets")
    parser.add_argument("--levels", nargs="+", type=float, help="of the damage; by default those of the protocol")
    parser.add_argument("--methods", nargs="*", choices=list(METHODS), help="only these; none: writes the page alone")
    parser.add_argument("--limit", type=int, help="only the first pictures of each set")
    parser.add_argument("--weights", type=Path, help="a safetensors file instead of the weights that ship; one task")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where measurements are kept; elsewhere, no page")
    parser.add_argument("--refresh", action="store_true", help="measure again what is recorded")
    options = parser.parse_args(arguments)
    suites = [
        suite for suite in SUITES
        if suite.task in (options.task or [suite.task]) and suite.data in (options.sets or [suite.data])
    ]  # fmt: skip
    if options.weights and len({suite.task for suite in suites}) != 1:
        parser.error("--weights is of one task: say which with --task")
    torch.set_num_threads(1)
    records = Records(options.results)
    wanted = [name for name in METHODS if options.methods is None or name in options.methods]
    wanted = [name for name in wanted if any(name in suite.methods for suite in suites)]
    chosen = available(wanted, options.weights, strict=options.methods is not None)
    for suite in suites:
        here = [chosen[name] for name in suite.methods if name in chosen]
        if not here:
            continue
        images = first(load_images(suite.data, gray=suite.gray), options.limit)
        run(suite, here, images, options.levels or suite.protocol.levels, records, options.refresh)
        if suite.name == report.TILED and suite.own in chosen:
            tiled = methods.model(suite.own, options.weights, tile=TILE)
            run_tiled(suite, chosen[suite.own], tiled, images, report.TILED_SIGMA, records, options.refresh)
            draw(suite, chosen[suite.own], images)
    if options.results == RESULTS:
        drawn = frontier.write(records)
        report.write(records, drawn)


def first(images: Images, limit: int | None) -> Images:
    """Returns the first pictures of a set."""
    return replace(images, pixels=images.pixels[:limit], names=images.names[:limit])


if __name__ == "__main__":
    main()
