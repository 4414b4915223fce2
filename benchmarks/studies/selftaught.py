"""``python -m benchmarks.studies.selftaught FOLDER``: a denoiser from the noisy pictures of the gray test sets alone.

Writes them to FOLDER/noisy, trains ``denoise-self`` on that folder, as its user would, and only then opens the clean
ones, to measure. It goes on where it was stopped. Writes the table of docs/tasks.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import torch
from PIL import Image
from torch import Tensor

from benchmarks.pages.blocks import between
from vaezoo.data.sets import load_images
from vaezoo.image import psnr_db
from vaezoo.image.damage.degradations import gaussian_noise
from vaezoo.image.damage.noise import noise_level
from vaezoo.release.protocol import tensor_of
from vaezoo.restore import Restorer
from vaezoo.train.loop import Run, train
from vaezoo.train.recipe import load_recipe
from vaezoo.zoo.create import create

SETS = ("bsd68", "set12")
SIGMA = 25.0
CONTRAST = 0.5
"""Of the files, about middle gray, so that their 8 bits hold the noise without clipping."""
FILE = Path(__file__).parents[1] / "results" / "selftaught.json"
PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"


def stored(x: Tensor) -> Tensor:
    """Returns what a file of half contrast holds, rounded to 8 bits and clipped."""
    return ((CONTRAST * (x - 0.5) + 0.5).clamp(0, 1) * 255).round() / 255


def shown(x: Tensor) -> Tensor:
    """Returns the full contrast again."""
    return (x - 0.5) / CONTRAST + 0.5


def write_noisy(folder: Path, name: str, limit: int | None) -> list[Path]:
    """Writes a test set's pictures with the benchmarks' noise, and returns the files in order.

    Args:
        folder: Made where it is missing.
        name: Of the set.
        limit: Only so many pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = load_images(name, gray=True)
    files = []
    for index, (stem, pixels) in enumerate(zip(images.names[:limit], images.pixels, strict=False)):
        clean = tensor_of(pixels)
        noisy = stored(gaussian_noise(clean, SIGMA, index))
        files.append(folder / f"{name}-{stem}.png")
        Image.fromarray((255 * noisy[0, 0]).round().byte().numpy()).save(files[-1])
    return files


def opened(file: Path) -> Tensor:
    """Returns a gray file as the trainer and the restorer of colour models see it: (1, 3, H, W)."""
    return tensor_of(Image.open(file).convert("RGB"))


def measure(restorer: Restorer, name: str, files: list[Path]) -> dict[str, float]:
    """Returns means over a set: PSNR in dB of the files and of what is made of them, and the noise as estimated."""
    images = load_images(name, gray=True)
    rows = []
    for file, pixels in zip(files, images.pixels, strict=False):
        clean, noisy = tensor_of(pixels), opened(file)
        with torch.inference_mode():
            restored = restorer(noisy).image.mean(1, keepdim=True)
        level = 255 * noise_level(noisy) / CONTRAST
        rows.append([psnr_db(shown(z).clamp(0, 1), clean).item() for z in (noisy[:, :1], restored)] + [level])
    noisy_db, psnr, estimated = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return {"pictures": len(rows), "noisy_psnr_db": noisy_db, "psnr_db": psnr, "estimated_sigma": estimated}


def learn(folder: Path, overrides: list[str]) -> Run:
    """Trains ``denoise-self`` on FOLDER/noisy."""
    recipe = load_recipe("denoise-self", [f"data={folder / 'noisy'}", "machine.threads=1", *overrides])
    return train(recipe, folder / "run")


def table(results: dict[str, Any]) -> str:
    """Returns the results in Markdown."""
    lines = ["| PSNR in dB, σ = 25 | noisy files | learned from them | trained on clean photos (`denoise-small`) |"]
    lines.append("|---|---|---|---|")
    for name in SETS:
        own, shelf = results["own"][name], results["shelf"][name]
        lines.append(
            f"| {name}, {own['pictures']} pictures | {own['noisy_psnr_db']:.2f} | {own['psnr_db']:.2f} | "
            f"{shelf['psnr_db']:.2f} |"
        )
    estimates = " and ".join(f"{results['own'][name]['estimated_sigma']:.1f}" for name in SETS)
    lines.append(
        f"\n{results['steps']} steps, {results['megapixels']:.0f} megapixels, {results['cpu_hours']:.2f} hours of one "
        f"core. The noise was not told: the estimates are {estimates} on average.\n"
    )
    return "\n".join(lines)


def renewed(text: str) -> str:
    """Returns a page with the table of the results that are kept."""
    return between(text, "selftaught", table(json.loads(FILE.read_text(encoding="utf-8"))))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--limit", type=int, help="Only so many pictures of each set; nothing is written.")
@click.argument("overrides", nargs=-1)
def main(folder: Path, limit: int | None, overrides: tuple[str, ...]) -> None:
    """Learn from noisy pictures in FOLDER, measure, and write the results and the page. OVERRIDES are the recipe's."""
    torch.set_num_threads(1)
    files = {name: write_noisy(folder / "noisy", name, limit) for name in SETS}
    run = learn(folder, list(overrides))
    record = json.loads((run.out / "run.json").read_text(encoding="utf-8"))
    models = {
        "own": create("denoise-small", pretrained=run.weights),
        "shelf": create("denoise-small", pretrained=True),
    }
    results: dict[str, Any] = {
        kind: {name: measure(Restorer(model), name, files[name]) for name in SETS} for kind, model in models.items()
    }
    results |= {"steps": run.steps, "megapixels": record["pixels"] / 1e6, "cpu_hours": record["cpu_seconds"] / 3600}
    click.echo(table(results))
    if limit is None:
        FILE.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
