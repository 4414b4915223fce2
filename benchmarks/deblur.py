"""Compares deblurring with known kernels: ``python -m benchmarks.deblur set5 bsd68 --count 8``; prints a table.

The protocol is that of `vaezoo.restore.tasks.deblur`: circular blur, noise of 2.55 grey levels seeded by the picture's
index, not clipped; all methods are told kernel and noise. The peers' parameters were chosen on four photos of
cid22-valid, from 0.001 to 0.1 and from 5 to 50; Richardson-Lucy, which knows no
circular border, sees the picture go on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaezoo.evaluate import score
from vaezoo.evaluate.restoration import average
from vaezoo.image import Picture, to_tensor
from vaezoo.restore import Restorer, load_model
from vaezoo.restore.tasks.deblur import Deblur
from vaezoo.train.sets import load_images

BALANCE, ROUNDS = 0.01, 20
"""Of Wiener's filter and of Richardson-Lucy; their best, 30.25 and 28.36 dB on the four photos."""


def by_channel(run: Callable[[Any, Any], Any], y: Tensor, kernel: Tensor) -> Tensor:
    """Applies a function on arrays (H, W) to each channel of y (1, C, H, W)."""
    planes = [run(plane.double().numpy(), kernel.double().numpy()) for plane in y[0]]
    return torch.from_numpy(np.stack(planes)).float()[None]


def wiener(y: Any, kernel: Any) -> Any:
    """Returns scikit-image's Wiener filter, with a Laplacian as prior."""
    from skimage.restoration import wiener as run

    return run(y, kernel, BALANCE, clip=False)


def richardson_lucy(y: Any, kernel: Any) -> Any:
    """Returns scikit-image's Richardson-Lucy of a picture that goes on at the other side."""
    from skimage.restoration import richardson_lucy as run

    margin = max(kernel.shape)
    wide = np.pad(y.clip(0, 1), margin, mode="wrap")
    return run(wide, kernel, num_iter=ROUNDS, filter_epsilon=1e-6)[margin:-margin, margin:-margin]


def main() -> None:
    """Prints PSNR in dB and SSIM, over RGB of colour sets, mean over pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--count", type=int, help="so many of the first pictures only")
    parser.add_argument("--kernels", type=int, nargs="+", default=Deblur.levels)
    parser.add_argument("--gray", action="store_true", help="luma of colour sets")
    parser.add_argument("--weights", help="a safetensors file instead of the weights that ship")
    args = parser.parse_args()
    restorer = Restorer(load_model("denoise", args.weights))
    print("| set | kernel | blurred | Wiener | Richardson-Lucy | **denoise** |\n|---|---|---|---|---|---|", flush=True)
    for name in args.sets:
        pixels = load_images(name, gray=args.gray or name in ("bsd68", "set12")).pixels[: args.count]
        for level in args.kernels:
            rows: dict[str, list[dict[str, float]]] = {}
            for index, array in enumerate(pixels):
                x, y, task = Deblur.example(to_tensor(Picture(array)), level, index)
                results = {
                    "blurred": y,
                    "wiener": by_channel(wiener, y, task.kernel),
                    "richardson-lucy": by_channel(richardson_lucy, y, task.kernel),
                    "denoise": task.restore(restorer, y).image,
                }
                for method, x_hat in results.items():
                    rows.setdefault(method, []).append(score(x_hat, x))
            means = [average(found) for found in rows.values()]
            cells = " | ".join(f"{mean['psnr_db']:.2f} / {mean['ssim']:.4f}" for mean in means)
            print(f"| {name}, {len(pixels)} | {level} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
