"""``python -m benchmarks.studies.stronger``: ways to denoise more, by what they leave on the flat areas of real photos.

Writes its table into docs/ablations.md. Needs the pairs of CC15, see `benchmarks.photo.sets`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

from benchmarks.pages.blocks import between
from benchmarks.photo.flat import flat_blocks, noise_left
from benchmarks.photo.sets import real_flat
from vaezoo.image import psnr_db
from vaezoo.image.damage.camera import blurred
from vaezoo.image.damage.noise import local_level
from vaezoo.image.resize import resize

PAGE = Path(__file__).parents[2] / "docs" / "ablations.md"
SIDE = 384
Run = Callable[..., Tensor]
"""From a picture (1, 3, H, W), and a level (1, 1, H, W) or None, to the denoised one."""


def ways(run: Run, y: Tensor) -> dict[str, Tensor]:
    """Returns the results of each way, by its name."""
    once = run(y)
    taken = local_level(y - once)
    level = (y - once).square().mean().sqrt().expand_as(taken)
    small = resize(once, (y.shape[2] // 2, y.shape[3] // 2))
    half = once + resize(run(small) - small, (y.shape[2], y.shape[3]))
    noise = blurred(torch.randn(y.shape, generator=torch.Generator().manual_seed(0)), 0.6)
    noise = noise / noise.std()
    found = {"as it is": y, "told nothing": once, "a second pass at half of the size": half}
    for times in (1, 2, 3):
        found[f"told {times} × what was removed around each pixel"] = run(y, times * taken)
        found[f"told {times} × what was removed from the picture"] = run(y, times * level)
    for times in (2, 3):
        more = (times**2 - 1) ** 0.5 * taken * noise
        found[f"noise added up to {times} ×, mean with its opposite"] = (run(y + more) + run(y - more)) / 2
    found["the result denoised again, told what was removed"] = run(once, taken)
    return found


@click.command()
@click.option("--limit", type=int, help="Number of pictures; by default all that have flat areas.")
def main(limit: int | None) -> None:
    """Measure ways to denoise more, and write the table."""
    from vaezoo.zoo.create import create

    torch.set_num_threads(1)
    model = create("denoise.photo", pretrained=True)

    def run(y: Tensor, level: Tensor | None = None) -> Tensor:
        image: Tensor = model.restore(y, cond={} if level is None else {"sigma": level}).image
        return image.clamp(0, 1)

    rows: dict[str, list[list[float]]] = {}
    with torch.no_grad():
        for _, make in list(real_flat(0, None))[:limit]:
            photo = make()
            x, y = (image[..., :SIDE, :SIDE] for image in (photo.x, photo.y))
            flat = flat_blocks(x)
            if not bool(flat.any()):
                continue
            for name, image in ways(run, y).items():
                left = noise_left(image - x, flat)
                rows.setdefault(name, []).append([psnr_db(image, x).item(), left["luma"], left["chroma"]])
    means = {name: np.mean(values, 0) for name, values in rows.items()}
    lines = ["| way | PSNR, dB | luma left, levels | colour left, levels |", "|---|---|---|---|"]
    lines += [f"| {name} | {a:.2f} | {b:.2f} | {c:.2f} |" for name, (a, b, c) in means.items()]
    content = "\n".join(lines) + "\n"
    PAGE.write_text(between(PAGE.read_text(encoding="utf-8"), "stronger", content), encoding="utf-8")
    click.echo(content)


if __name__ == "__main__":
    main()
