"""``python -m benchmarks.studies.projection``: the gain of moving results of `dejpeg` into the file's intervals.

Colour pictures, chroma halved; means over a set, in decibels and percent. Nothing is written.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import vaezoo
from benchmarks.restoration import first, picture
from vaezoo.data.sets import load_images
from vaezoo.image import luma, psnr_db, read_quantised
from vaezoo.image.compression.intervals import outside, project
from vaezoo.image.compression.quantisation import Quantised
from vaezoo.image.damage.degradations import jpeg, jpeg_file
from vaezoo.restore import Restorer


class Row(NamedTuple):
    """How a picture's result fares without and with projection.

    Attributes:
        rgb, y: PSNR of RGB and of luma in dB, before and after.
        gain: The least of the two gains, dB.
        out: Luma coefficients outside their intervals, percent: before, and after rounding to 8 bits.
        other: Luma coefficients that the rounded result has otherwise when saved with the file's tables, percent.
    """

    rgb: tuple[float, float]
    y: tuple[float, float]
    gain: float
    out: tuple[float, float]
    other: tuple[float, float]


def measure(restorer: Restorer, x: Tensor, quality: int, before: int | None) -> Row:
    """Restores one picture from a file of a quality; ``before``: of a file that it had been saved to earlier."""
    once = x if before is None else jpeg(x, before)
    file = jpeg_file(once, quality)
    quantised = read_quantised(io.BytesIO(file))
    free = restorer(jpeg(once, quality)).image.clamp(0, 1)
    both = (free, project(free, quantised))
    rgb, y = ([psnr_db(p(z), p(x)).item() for z in both] for p in (lambda image: image, luma))
    rounded = [(255 * z).round() / 255 for z in both]
    tables = Image.open(io.BytesIO(file)).quantization
    return Row(
        (rgb[0], rgb[1]),
        (y[0], y[1]),
        min(rgb[1] - rgb[0], y[1] - y[0]),
        (100 * outside(free, quantised), 100 * outside(rounded[1], quantised)),
        (_other(rounded[0], quantised, tables), _other(rounded[1], quantised, tables)),
    )


def _other(x: Tensor, quantised: Quantised, tables: object) -> float:
    again = io.BytesIO()
    pixels = (255 * x[0]).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(again, "JPEG", qtables=tables, subsampling="4:2:0")
    again.seek(0)
    found = read_quantised(again).planes[0].centre
    return 100 * float((found != quantised.planes[0].centre).double().mean())


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark and prints its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies.projection", description=__doc__)
    parser.add_argument("--data", default="cid22-valid", help="a set of colour pictures")
    parser.add_argument("--levels", nargs="+", type=int, default=[10, 20, 40], help="qualities of the files")
    parser.add_argument("--before", type=int, help="quality of a file that the pictures had been saved to before")
    parser.add_argument("--limit", type=int, help="only the first pictures")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    restorer = Restorer(vaezoo.create("dejpeg", pretrained=True))
    images = first(load_images(options.data), options.limit)
    print("| quality | RGB | luma | least gain | outside | other |\n|---|---|---|---|---|---|")
    for quality in options.levels:
        rows = [
            measure(restorer, picture(images, i), quality, options.before) for i in range(len(images.pixels))
        ]  # fmt: skip
        rgb, y, out, other = (np.mean([getattr(row, name) for row in rows], 0) for name in ("rgb", "y", "out", "other"))
        print(
            f"| {quality} | {rgb[0]:.3f} → {rgb[1]:.3f} | {y[0]:.3f} → {y[1]:.3f} | {min(r.gain for r in rows):+.3f} "
            f"| {out[0]:.3f} → {out[1]:.4f} | {other[0]:.3f} → {other[1]:.4f} |", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
