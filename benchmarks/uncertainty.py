"""``python -m benchmarks.uncertainty [NAMES] [--sets ...] [--limit N]``: what is stated of errors, against the errors.

Measures denoisers on test sets, as their heads state their errors and after the calibration of their cards, which saw
none of them. Keeps a record of each on each set in ``benchmarks/results/uncertainty.json``, and writes the tables
between markers in ``docs/uncertainty.md``; ``--write`` only does the latter.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.pages.blocks import between

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE
    from vaezoo.registry.calibration import Calibration

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "uncertainty.json"
PAGE = ROOT / "docs" / "uncertainty.md"
NAMES = ("denoise.open", "denoise-small.open")
SIGMAS, SAMPLES, CROP = (15.0, 25.0, 50.0), 9, 128
Record = dict[str, Any]


def measure(error: Tensor, scale: Tensor, calibration: Calibration) -> dict[str, float]:
    """Returns the figures of one picture.

    Args:
        error: Restored minus clean, (1, C, H, W).
        scale: Standard deviation as stated, same shape.
        calibration: Of other pictures.
    """
    from vaezoo.evaluate import ause, coverage, crps_gaussian, ence, rank_correlation

    ratio = error.abs() / scale
    honest = scale * calibration.factor
    inside = (ratio <= calibration.image_factor).double().mean().item()
    values = {f"raw_{level}": share for level, share in coverage(error, scale).items()}
    values |= {f"scalar_{level}": share for level, share in coverage(error, honest).items()}
    values |= {
        f"conformal_{level}": (ratio <= calibration.width(level)).double().mean().item() for level in (68, 90, 95)
    }
    return values | {
        "raw_ence": ence(error, scale),
        "scalar_ence": ence(error, honest),
        "raw_crps_levels": 255 * crps_gaussian(error, scale),
        "scalar_crps_levels": 255 * crps_gaussian(error, honest),
        "rank_correlation": rank_correlation(error, scale),
        "ause": ause(error, scale),
        "gaussian_images": float(values["raw_90"] >= 0.9),
        "conformal_images": float(values["conformal_90"] >= 0.9),
        "images": float(inside >= 0.9),
        "risk_outside": (ratio > calibration.risk_factor).double().mean().item(),
    }


def sampled(model: VAE, x: Tensor, y: Tensor, seed: int) -> dict[str, float]:
    """Returns what samples say of the middle of a picture: of the latents alone, and of the stated normal errors."""
    import torch

    from vaezoo.core import Noise
    from vaezoo.evaluate import crps_samples, rank_histogram

    top, left = ((side - min(side, CROP)) // 2 for side in x.shape[2:])
    x, y = (image[..., top : top + CROP, left : left + CROP] for image in (x, y))
    found = model.restore(y, samples=SAMPLES, keep=True, noise=Noise(seed=seed))
    eps = torch.randn((SAMPLES, *x.shape), generator=torch.Generator().manual_seed(seed))
    values: dict[str, float] = {}
    for kind, samples in (("latents", found.samples), ("stated", found.image + found.scale * eps)):
        ranks = rank_histogram(x, samples, seed=seed)
        values[f"{kind}_crps_levels"] = 255 * crps_samples(x, samples)
        values |= {f"{kind}_rank_{rank}": share for rank, share in enumerate(ranks.shares.tolist())}
    return values


def run(name: str, data: str, limit: int | None) -> Record:
    """Measures weights on the first pictures of a set at every noise level."""
    import torch

    from vaezoo.data.sets import load_images
    from vaezoo.evaluate import ence
    from vaezoo.evaluate.restoration import average
    from vaezoo.image import gaussian_noise
    from vaezoo.release.protocol import tensor_of
    from vaezoo.restore import Restorer
    from vaezoo.restore.interval import find_calibration
    from vaezoo.zoo.create import create

    torch.set_num_threads(1)
    model = create(name, pretrained=True)
    calibration = find_calibration(model, "denoise")
    if calibration is None:
        raise click.ClickException(f"{name} has no calibration of its weights.")
    restorer, rows = Restorer(model), {sigma: list[dict[str, float]]() for sigma in SIGMAS}
    whole: dict[float, list[tuple[Tensor, Tensor]]] = {sigma: [] for sigma in SIGMAS}
    pixels = load_images(data).pixels[:limit]
    for index, x in enumerate(map(tensor_of, pixels)):
        for sigma in SIGMAS:
            y = gaussian_noise(x, sigma, seed=index)
            found = restorer(y)
            with torch.no_grad():
                values = measure(found.image - x, found.scale, calibration) | sampled(model, x, y, index)
            rows[sigma].append(values)
            whole[sigma].append(((found.image - x).flatten(), found.scale.flatten()))
        click.echo(f"{name} {data} {index + 1} of {len(pixels)}", err=True)
    sigmas = {}
    for sigma in SIGMAS:
        error, scale = (torch.cat(values) for values in zip(*whole[sigma], strict=True))
        row = average(rows[sigma]) | {"set_ence": ence(error, scale)}
        sigmas[f"{sigma:g}"] = {name: round(value, 5) for name, value in row.items()}
    return {
        "pictures": len(pixels),
        "weights": calibration.weights,
        "widths": calibration.plain(),
        "sigmas": sigmas,
    }


def tables(results: dict[str, dict[str, Record]]) -> str:
    """Returns all tables, in Markdown, of records by weights and set."""
    text = ""
    for name, data, record in ((n, data, record) for n, records in results.items() for data, record in records.items()):
        text += f"### `{name}` on {data}, the first {record['pictures']} pictures\n\n"
        text += "| σ | ±sd: 68.3 / 90 / 95 % | ±sd × factor | conformal 68 / 90 / 95 % | ENCE | ENCE, by picture | "
        text += "by picture, × factor | CRPS | CRPS × factor | Spearman | AUSE |\n" + "|---" * 11 + "|\n"
        for sigma, row in record["sigmas"].items():
            cells = [" / ".join(f"{100 * row[f'{kind}_{level}']:.1f}" for level in (68, 90, 95)) for kind in KINDS]
            cells += [f"{row[name]:.3f}" for name in ("set_ence", "raw_ence", "scalar_ence", "raw_crps_levels")]
            cells += [f"{row['scalar_crps_levels']:.3f}", f"{row['rank_correlation']:.2f}", f"{row['ause']:.3f}"]
            text += f"| {sigma} | {' | '.join(cells)} |\n"
        text += "\n| σ | pictures with ≥ 90 % inside: ±1.645 sd | over pixels | over images | outside, risk |\n"
        text += "|---" * 5 + "|\n"
        for sigma, row in record["sigmas"].items():
            shares = [f"{100 * row[f'{kind}images']:.1f} %" for kind in ("gaussian_", "conformal_", "")]
            text += f"| {sigma} | {' | '.join(shares)} | {100 * row['risk_outside']:.2f} % |\n"
        text += f"\n| σ | samples of | share of ranks 0 to {SAMPLES}, percent (flat: {100 / (SAMPLES + 1):.0f}) | "
        text += "deviation | CRPS |\n" + "|---" * 5 + "|\n"
        for sigma, row in record["sigmas"].items():
            for kind, label in (("latents", "the latents"), ("stated", "the stated normal")):
                ranks = [row[f"{kind}_rank_{rank}"] for rank in range(SAMPLES + 1)]
                apart = sum(abs(share - 1 / len(ranks)) for share in ranks)
                told = " ".join(f"{100 * share:.0f}" for share in ranks)
                text += f"| {sigma} | {label} | {told} | {apart:.2f} | {row[f'{kind}_crps_levels']:.3f} |\n"
        text += "\n"
    weights = (f"`{name}` {next(iter(records.values()))['weights'][:16]}" for name, records in results.items())
    return text + f"Weights: {', '.join(weights)}.\n"


KINDS = ("raw", "scalar", "conformal")


def renewed(text: str) -> str:
    """Returns the page with its tables as the JSON file has them."""
    return between(text, "measured", tables(json.loads(RESULTS.read_text(encoding="utf-8"))))


@click.command()
@click.argument("names", nargs=-1)
@click.option("--sets", default="kodak24,cbsd68", show_default=True, help="Test sets, with commas.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first pictures of each.")
@click.option("--write", is_flag=True, help="Only write the page again, from what was measured.")
def main(names: tuple[str, ...], sets: str, limit: int | None, write: bool) -> None:
    """Measure the weights NAMES, by default both denoisers', and write the page."""
    for name, data in () if write else itertools.product(names or NAMES, sets.split(",")):
        found = run(name, data, limit)
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        kept.setdefault(name, {})[data] = found
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
