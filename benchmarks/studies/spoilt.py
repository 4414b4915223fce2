"""``python -m benchmarks.studies.spoilt MODEL``: enlarging small pictures: clean, saved as JPEG, or noisy.

Pictures are shrunk bicubically and rounded to 8 bits, then spoilt; the target is the large one. PSNR in dB of RGB and
of luma, without a border as wide as the factor, means over a set; the gain is over bicubic enlargement. Nothing is
written.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from vaezoo_sr.sr import SuperResolve

from benchmarks.restoration import first, picture
from vaezoo.data.sets import load_images
from vaezoo.image.damage.degradations import gaussian_noise, jpeg
from vaezoo.image.metrics import luma, psnr_db
from vaezoo.image.resize import upscale
from vaezoo.restore import Restorer, load_model

DAMAGES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "clean": lambda y, index: y,
    "JPEG 40": lambda y, index: jpeg(y, 40),
    "JPEG 75": lambda y, index: jpeg(y, 75),
    "noise 10": lambda y, index: gaussian_noise(y, 10, index).clamp(0, 1).mul(255).round().div(255),
}
"""What becomes of a small picture (1, 3, H, W), by the index of it in its set."""


def decibels(image: Tensor, x: Tensor, factor: int) -> tuple[float, float]:
    """Returns the PSNR of a result, rounded to 8 bits, of RGB and of luma."""
    rounded = image.clamp(0, 1).mul(255).round().div(255)
    rgb, y = (psnr_db(part(rounded), part(x), border=factor).item() for part in (lambda values: values, luma))
    return rgb, y


def measure(
    restorer: Restorer, x: Tensor, damage: str, factor: int, index: int, consistent: bool | None
) -> list[float]:
    """Returns the PSNR of RGB and luma of bicubic enlargement, then those of a model."""
    x, y, _ = SuperResolve.example(x, factor, index)
    y = DAMAGES[damage](y, index)
    result = SuperResolve(factor, consistent=consistent).restore(restorer, y)
    return [*decibels(upscale(y, factor), x, factor), *decibels(result.image, x, factor)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark and prints its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies.spoilt", description=__doc__)
    parser.add_argument("model", help="a model's name, or the folder of a saved one")
    parser.add_argument("--weights", type=Path, help="a safetensors file instead of the weights that ship")
    parser.add_argument("--data", default="kodak24", help="a set of colour pictures")
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--limit", type=int, help="only the first pictures")
    parser.add_argument("--free", action="store_true", help="results are not moved until they shrink to the input")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    restorer = Restorer(load_model(options.model, options.weights))
    images = first(load_images(options.data), options.limit)
    consistent = False if options.free else None
    print(f"| ×{options.factor} | bicubic: RGB, luma | {options.model} | gain |\n|---|---|---|---|")
    for damage in DAMAGES:
        rows = [
            measure(restorer, picture(images, i), damage, options.factor, i, consistent)
            for i in range(len(images.pixels))
        ]
        a, b, c, d = np.mean(rows, 0)
        print(f"| {damage} | {a:.2f}, {b:.2f} | {c:.2f}, {d:.2f} | {c - a:+.2f}, {d - b:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
