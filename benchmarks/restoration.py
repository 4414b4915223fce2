"""Compares denoisers: ``python -m benchmarks.restoration``; writes ``docs/restoration.md`` and its figure.

Each picture's result is kept as it comes, so a run can be stopped and goes on where it was.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks import methods, report
from benchmarks.records import Key, Records
from vaezoo.evaluate import score
from vaezoo.image import Picture, gaussian_noise, psnr_db, to_tensor
from vaezoo.restore import write_figure
from vaezoo.train.sets import Images, load_images

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "restoration.json"
MODEL, TILE = "denoise", 256
SHOWN, SHOWN_SIGMA = "23", 50
"""The picture of the figure, and its noise level."""


def picture(images: Images, index: int) -> Tensor:
    """Returns a set's picture, (1, C, H, W) in [0, 1]."""
    return to_tensor(Picture(np.asarray(images.pixels[index])))


def measure(method: methods.Method, x: Tensor, index: int, sigma: float) -> dict[str, float]:
    """Scores a method on one picture, with its CPU time (all threads) per million pixels."""
    y = gaussian_noise(x, sigma, seed=index)
    start = time.process_time()
    x_hat, scale = method.run(y, sigma)
    seconds = time.process_time() - start
    return {**score(x_hat, x, scale), "cpu_seconds_per_megapixel": seconds / (x.shape[2] * x.shape[3] / 1e6)}


def compare_tiles(whole: methods.Method, tiled: methods.Method, x: Tensor, index: int, sigma: float,
                  difference: Path) -> dict[str, float]:  # fmt: skip
    """Compares a picture restored in tiles with the same restored whole, and draws 128 + 1000 times the difference."""
    y = gaussian_noise(x, sigma, seed=index)
    one, other = whole.run(y, sigma)[0], tiled.run(y, sigma)[0]
    levels = 255 * (other - one)
    difference.parent.mkdir(parents=True, exist_ok=True)
    drawn = (128 + 1000 * levels[0]).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(drawn).save(difference)
    return {
        "psnr_change_db": (psnr_db(other, x) - psnr_db(one, x)).abs().item(),
        "largest_difference_levels": levels.abs().max().item(),
    }


def run(chosen: Sequence[methods.Method], images: Images, sigmas: Sequence[float], records: Records,
        refresh: bool) -> None:  # fmt: skip
    """Measures every method on every picture at every noise level, as far as it is not recorded."""
    for method, sigma, (index, name) in itertools.product(chosen, sigmas, enumerate(images.names)):
        key = Key(method.name, method.identity, images.source, sigma, name)
        if refresh or key not in records:
            records.add(key, values := measure(method, picture(images, index), index, sigma))
            print(f"{images.source} {name} σ={sigma:g} {method.name}: {values['psnr_db']:.2f} dB", flush=True)


def run_tiled(whole: methods.Method, tiled: methods.Method, images: Images, sigma: float, records: Records,
              refresh: bool) -> None:  # fmt: skip
    """Compares tiles with the whole on every picture, as far as it is not recorded."""
    for index, name in enumerate(images.names):
        key = Key(tiled.name, tiled.identity, images.source, sigma, name)
        if refresh or key not in records:
            file = ROOT / "runs" / "tiled-minus-whole" / f"{images.source}-{name}.png"
            records.add(key, compare_tiles(whole, tiled, picture(images, index), index, sigma, file))


def draw(method: methods.Method, images: Images) -> None:
    """Draws the documentation's figure: noisy, denoised and uncertainty."""
    if SHOWN not in images.names:
        return
    index = images.names.index(SHOWN)
    y = gaussian_noise(picture(images, index), SHOWN_SIGMA, seed=index)
    x_hat, scale = method.run(y, SHOWN_SIGMA)
    before, after = (image[0].clamp(0, 1).permute(1, 2, 0).numpy() for image in (y, x_hat))
    sure = None if scale is None else scale[0].square().mean(0).sqrt().numpy()
    report.FIGURE.parent.mkdir(parents=True, exist_ok=True)
    write_figure(report.FIGURE, before, after, sure)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    known = [*methods.PEERS, MODEL]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restoration", description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["kodak24"])
    parser.add_argument("--sigma", nargs="+", type=float, default=[15, 25, 50], help="noise levels, grey levels")
    parser.add_argument("--limit", type=int, help="only the first pictures; writes no document")
    parser.add_argument("--methods", nargs="+", default=known, choices=known)
    parser.add_argument("--weights", type=Path, help="a safetensors file instead of the weights that ship")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where measurements are kept")
    parser.add_argument("--refresh", action="store_true", help="measure again what is recorded")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    records = Records(options.results)
    chosen = {
        name: methods.PEERS[name]() if name in methods.PEERS else methods.model(name, options.weights)
        for name in options.methods
    }
    sets = [first(load_images(name), options.limit) for name in options.sets]
    for images in sets:
        run(list(chosen.values()), images, options.sigma, records, options.refresh)
        if MODEL in chosen:
            tiled = methods.model(MODEL, options.weights, TILE)
            run_tiled(chosen[MODEL], tiled, images, report.TILED_SIGMA, records, options.refresh)
            draw(chosen[MODEL], images)
    if options.limit is None:
        report.write(records, {images.source: images.names for images in sets}, sorted(options.sigma))


def first(images: Images, limit: int | None) -> Images:
    """Returns the first pictures of a set."""
    return Images(images.source, images.pixels[:limit], images.sha256, images.licence, images.names[:limit])


if __name__ == "__main__":
    main()
