"""``python -m benchmarks.studies.detail --weights FILE``: what the knob ``detail`` invents, and at what price.

Measures the middles of photos, of ``denoise-small``, whose samples are of its latents alone, and of ``denoise-detail``,
whose samples gain what a critic taught and whose weights are a file, ``runs/denoise-detail/ema.safetensors``. Keeps a
record a model in ``benchmarks/results/detail.json`` and writes the table and the picture of ``docs/detail.md``;
``--write`` only writes the table.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.pages.blocks import between

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE
    from vaezoo.restore.restorer import Restoration

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "detail.json"
PAGE = ROOT / "docs" / "detail.md"
PICTURE = ROOT / "docs" / "figures" / "detail.jpg"
MODELS, KNOBS, SIGMAS = ("denoise-small", "denoise-detail"), (0.0, 0.5, 1.0), (25.0, 50.0)
CROP, SAMPLES, SHOWN = 256, 16, 96
PLACES = ((0, 200, 330), (12, 60, 420), (22, 300, 120))
"""Index, top and left of the crops of the picture."""
Record = dict[str, Any]


def octave_power(image: Tensor) -> float:
    """Returns the power of the luma of (1, 3, H, W) from a quarter to half a cycle a pixel, under a Hann window."""
    import torch

    from vaezoo.image import luma

    gray = luma(image)[0, 0].double()
    rows, columns = gray.shape
    window = torch.hann_window(rows)[:, None] * torch.hann_window(columns)
    spectrum = torch.fft.rfft2((gray - gray.mean()) * window).abs().square()
    frequency = torch.hypot(torch.fft.fftfreq(rows)[:, None], torch.fft.rfftfreq(columns)[None])
    return float(spectrum[(frequency >= 0.25) & (frequency < 0.5)].sum())


def measure(x: Tensor, found: Restoration) -> dict[str, float]:
    """Returns the figures of one picture x (1, 3, H, W) and what a knob made of its noisy version."""
    from vaezoo.evaluate import coverage, rank_correlation
    from vaezoo.image import psnr_db

    if found.scale is None:
        raise click.ClickException("The model states no sd.")
    result = found.image if found.average is None else found.average
    invented = result - found.image
    sd = (found.scale.square() + invented.square()).sqrt()
    told = {} if found.average is None else {"rank_correlation": rank_correlation(invented, found.scale)}
    return told | {
        "psnr_db": float(psnr_db(result.clamp(0, 1), x)),
        "log_octave": math.log(octave_power(result) / octave_power(x)),
        "coverage_90": coverage(result - x, sd)[90],
        "invented": float(invented.square().mean() / found.scale.square().mean()),
    }


def loaded(name: str, weights: Path | None) -> VAE:
    """Returns a model with the weights on the shelf, or ``denoise-detail`` with those of the file.

    Raises:
        click.ClickException: It has none on the shelf, and there is no file.
    """
    from vaezoo import create

    if name != MODELS[1]:
        return create(name, pretrained=True)
    if weights is None:
        raise click.ClickException(f"{name} has no weights on the shelf: train it, and pass --weights.")
    return create(name, pretrained=weights)


def run(name: str, data: str, limit: int | None, weights: Path | None = None) -> Record:
    """Measures a model on the middles of the first pictures of a set."""
    import torch

    from vaezoo.evaluate.restoration import average
    from vaezoo.image import gaussian_noise, psnr_db
    from vaezoo.restore import Restorer

    torch.set_num_threads(1)
    model = loaded(name, weights)
    pictures, sigmas = middles(data, limit), dict[str, Record]()
    for sigma in SIGMAS:
        rows: dict[float, list[dict[str, float]]] = {knob: [] for knob in KNOBS}
        gains = []
        for index, x in enumerate(pictures):
            y = gaussian_noise(x, sigma, seed=index)
            for knob in KNOBS:
                rows[knob].append(measure(x, Restorer(model, detail=knob, seed=index)(y)))
            many = Restorer(model, samples=SAMPLES, seed=index)(y)
            if many.average is None:
                raise click.ClickException(f"{name} draws no samples.")
            gains.append(float(psnr_db(many.average, x) - psnr_db(many.image.clamp(0, 1), x)))
        sigmas[f"{sigma:g}"] = {
            "knobs": {f"{k:g}": {n: round(v, 4) for n, v in average(row).items()} for k, row in rows.items()},
            "mean_gain_db": round(sum(gains) / len(gains), 4),
        }
        click.echo(f"{name} σ {sigma:g}: {sigmas[f'{sigma:g}']}", err=True)
    return {"data": data, "pictures": len(pictures), "weights": model.origin.weights.sha256, "sigmas": sigmas}


def middles(data: str, limit: int | None) -> list[Tensor]:
    """Returns the middle of each picture, (1, 3, 256, 256) or what there is."""
    from vaezoo.data.sets import load_images
    from vaezoo.release.protocol import tensor_of

    found = []
    for x in map(tensor_of, load_images(data).pixels[:limit]):
        top, left = ((side - min(side, CROP)) // 2 for side in x.shape[2:])
        found.append(x[..., top : top + CROP, left : left + CROP])
    return found


def table(results: Record) -> str:
    """Returns the table, in Markdown."""
    first = next(iter(results.values()))
    text = f"{first['data']}, the middles of {first['pictures']} pictures:\n\n"
    text += (
        "| σ | model | knob | PSNR, dB | finest octave | inside the 90 % interval | invented, % of sd² | Spearman | "
    )
    text += f"mean of {SAMPLES} samples, dB |\n" + "|---" * 9 + "|\n"
    for sigma in SIGMAS:
        for name, record in results.items():
            found = record["sigmas"][f"{sigma:g}"]
            for knob, row in found["knobs"].items():
                last = knob == f"{KNOBS[-1]:g}"
                rank = "–" if knob == "0" else f"{row['rank_correlation']:.2f}"
                text += f"| {sigma:g} | `{name}` | {knob} | {row['psnr_db']:.2f} | {math.exp(row['log_octave']):.2f} | "
                text += f"{100 * row['coverage_90']:.1f} % | {100 * row['invented']:.0f} | {rank} | "
                text += f"{found['mean_gain_db']:+.3f} |\n" if last else "– |\n"
    weights = ", ".join(f"`{name}` {record['weights'][:12]}" for name, record in results.items())
    return text + f"\nWeights: {weights}.\n"


def draw(data: str, path: Path, weights: Path | None, sigma: float = 50.0) -> None:
    """Draws crops side by side: clean, noisy, faithful, each model's samples, and where detail was invented."""
    import torch
    from matplotlib.figure import Figure

    from vaezoo.data.sets import load_images
    from vaezoo.image import gaussian_noise
    from vaezoo.release.protocol import tensor_of
    from vaezoo.restore import Restorer

    torch.set_num_threads(1)
    old, new = (loaded(name, weights) for name in MODELS)
    pixels = load_images(data).pixels
    titles = ["clean", f"noisy, σ {sigma:g}", "faithful, 0", f"{MODELS[0]}, 1", f"{MODELS[1]}, 0.5", f"{MODELS[1]}, 1"]
    titles += ["|invented|", "sd"]
    figure = Figure(figsize=(2 * len(titles), 2.2 * len(PLACES)), layout="constrained")
    axes = figure.subplots(len(PLACES), len(titles), squeeze=False)
    for row, (index, top, left) in zip(axes, PLACES, strict=True):
        x = tensor_of(pixels[index])[..., top - 32 : top + SHOWN + 32, left - 32 : left + SHOWN + 32]
        y = gaussian_noise(x, sigma, seed=index)
        tempered, half, whole = (Restorer(m, detail=d, seed=index)(y) for m, d in ((old, 1.0), (new, 0.5), (new, 1.0)))
        invented = whole.average - whole.image
        sd = (whole.scale.square() + invented.square()).mean(1, keepdim=True).sqrt()
        shown = [x, y, whole.image, tempered.average, half.average, whole.average]
        most = float(sd.quantile(0.995))
        for axis, picture in zip(row, shown, strict=False):
            axis.imshow(picture[0, :, 32:-32, 32:-32].clamp(0, 1).permute(1, 2, 0), interpolation="nearest")
        for axis, levels in zip(row[-2:], (invented.square().mean(1, keepdim=True).sqrt(), sd), strict=True):
            axis.imshow(levels[0, 0, 32:-32, 32:-32], cmap="magma", vmin=0, vmax=most, interpolation="nearest")
        for axis in row:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110, pil_kwargs={"quality": 85})


def renewed(text: str) -> str:
    """Returns the page with its table as the JSON file has it."""
    return between(text, "measured", table(json.loads(RESULTS.read_text(encoding="utf-8"))))


@click.command()
@click.option("--models", default=",".join(MODELS), show_default=True, help="With commas.")
@click.option("--data", default="kodak24", show_default=True, help="The set.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first pictures.")
@click.option("--weights", type=click.Path(exists=True, path_type=Path), help="Of denoise-detail.")
@click.option("--picture/--no-picture", default=True, help="Draw the crops too.")
@click.option("--write", is_flag=True, help="Only write the table again, from what was measured.")
def main(models: str, data: str, limit: int | None, weights: Path | None, picture: bool, write: bool) -> None:
    """Measure, and write the page."""
    asked: Sequence[str] = () if write else models.split(",")
    for name in asked:
        found = run(name, data, limit, weights)
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps(kept | {name: found}, indent=1) + "\n", encoding="utf-8")
    if picture and not write:
        draw(data, PICTURE, weights)
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
