"""``python -m benchmarks.ablations [NAMES…]``: short trainings that differ in one thing each, and docs/ablations.md.

Every row starts from the recipe ``benchmarks/ablations.yaml``: same seed, so the same patches and noise, unless the row
is about them. Trains a row a process, keeps a record each in ``benchmarks/results/ablations.json``, and writes the
tables between markers of the page; ``--page`` only does the latter. Needs the data sets in ``$VAEZOO_DATA``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import log
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import click

from benchmarks.pages.blocks import between

if TYPE_CHECKING:
    from vaezoo.core import VAE
    from vaezoo.train.recipe import Recipe

ROOT = Path(__file__).parents[1]
RECIPE = Path(__file__).with_suffix(".yaml")
RESULTS = RECIPE.parent / "results" / "ablations.json"
PAGE = ROOT / "docs" / "ablations.md"
VALID, PHOTOS, TEST, SIGMAS = "cid22-valid", 12, "cbsd68", (15, 25, 50)
SIDE, REPEATS = 512, 5
"""Of the picture that is timed, and how often."""
Record = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """What differs from the baseline.

    Attributes:
        about: In words.
        overrides: Of the model.
        seed: Of weights and data.
        classic: Trained on the user's folder, and also compared on the test set.
        tested: Also compared on the test set.
        equal: Whether its multiplications per pixel are the baseline's within 5 %.
    """

    about: str
    overrides: tuple[str, ...] = ()
    seed: int = 0
    classic: bool = False
    tested: bool = False
    equal: bool = True


BASELINES = ("residual", "residual-again")
ROWS = {
    "residual": Row("residual blocks, 24/36/48 channels", tested=True),
    "residual-again": Row("the same, another seed", seed=1, tested=True),
    "wider": Row("the same, 32/48/64 channels", ("widths=[32,48,64]",), equal=False),
    "gated": Row("gated depthwise blocks, 48/72/96 channels", ("block=gated", "widths=[48,72,96]")),
    "large-kernel": Row("depthwise 7×7 blocks, 32/48/64 channels", ("block=large-kernel", "widths=[32,48,64]")),
    "attention": Row("residual blocks with local channel attention", ("block=attention",)),
    "recurrent": Row("a level's two residual blocks are one", ("recurrent=true",)),
    "unshuffle-4": Row("from 1/4 on, 48/68/88 channels", ("unshuffle=4", "widths=[48,68,88]")),
    "mean-path": Row("without bound and samples", ("loss.bound_weight=0", "loss.sample_weight=0")),
    "classic": Row("trained on the classic 400 pictures", classic=True, tested=True),
}


def recipe_of(row: Row, classic: Path | None = None) -> Recipe:
    """Returns how a row is trained.

    Args:
        row: Which.
        classic: The folder of the classic pictures, for the row on them.

    Raises:
        click.ClickException: That row needs the folder, and there is none.
    """
    from vaezoo.train.recipe import load_recipe

    recipe = load_recipe(str(RECIPE))
    if row.classic:
        if classic is None:
            raise click.ClickException("Name the folder of the 400 pictures, --classic FOLDER.")
        recipe.data.sets = [str(classic)]
    return replace(recipe, overrides=[*recipe.overrides, *row.overrides], seed=row.seed)


def measure(name: str, out: Path, classic: Path | None) -> Record:
    """Trains a row, or goes on with it, and returns its record."""
    import torch

    from vaezoo import create
    from vaezoo.inspection.cost import cost_of
    from vaezoo.train.checkpoint import RECORD
    from vaezoo.train.loop import train

    torch.set_num_threads(1)
    row = ROWS[name]
    recipe = recipe_of(row, classic)
    run = train(recipe, out / name)
    spent = json.loads((run.out / RECORD).read_text(encoding="utf-8"))
    model = create(recipe.model, overrides=recipe.overrides, pretrained=run.weights)
    baseline = create(recipe.model, overrides=recipe_of(ROWS["residual"]).overrides, seed=0).eval()
    cost = cost_of(model.origin.spec, (256, 256))
    seconds, ratio = timed(model, baseline)
    return {
        "name": name,
        "overrides": list(row.overrides),
        "seed": row.seed,
        "data": [{"images": s["images"], "sha256": s["sha256"]} for s in spent["data"]],
        "recipe_sha256": spent["recipe_sha256"],
        "steps": run.steps,
        "skipped_steps": spent["skipped_steps"],
        "megapixels": round(spent["pixels"] / 1e6, 1),
        "train_cpu_seconds": round(spent["cpu_seconds"], 1),
        "parameters": cost["parameters"],
        "macs_per_pixel": cost["totals"]["restore"]["macs_per_pixel"],
        "cpu_seconds_per_megapixel": round(seconds, 3),
        "time_ratio": round(ratio, 3),
        VALID: quality(model, VALID, PHOTOS),
        **({TEST: quality(model, TEST, None)} if row.tested else {}),
    }


def timed(model: VAE, baseline: VAE) -> tuple[float, float]:
    """Returns processor seconds per megapixel of the mean path, and their ratio to the baseline's, run in turn."""
    import torch

    y = torch.rand(1, model.channels, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    spent: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for repeat in range(REPEATS + 1):
            for seconds, each in zip(spent, (model, baseline), strict=True):
                begun = time.process_time()
                each.restore(y)
                if repeat:  # the first is to warm up
                    seconds.append(time.process_time() - begun)
    return median(spent[0]) / (SIDE * SIDE / 1e6), median(a / b for a, b in zip(*spent, strict=True))


def quality(model: VAE, data: str, limit: int | None) -> dict[str, float]:
    """Returns the mean PSNR of whole pictures at each noise level, with the noise of ``vaezoo eval``."""
    from vaezoo_denoise.denoise import Denoise

    from vaezoo.release.protocol import load_test_split, tensor_of
    from vaezoo.restore import Restorer
    from vaezoo.restore.measure import evaluate_task

    pictures = map(tensor_of, load_test_split(data, model.channels == 1, limit).pixels)
    found = evaluate_task(Denoise, Restorer(model), pictures, SIGMAS)
    return {str(sigma): round(scores["psnr_db"], 4) for sigma, scores in found.items()}


def kept(path: Path = RESULTS) -> dict[str, Record]:
    """Returns the records by name, in the order of the rows."""
    rows = {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else {}
    return {name: rows[name] for name in ROWS if name in rows}


def keep(record: Record, path: Path = RESULTS) -> None:
    """Replaces a row's record among those that are kept, in one step; those of other lengths are dropped."""
    from vaezoo.files.atomic import write_whole

    rows = {name: row for name, row in kept(path).items() if row["steps"] == record["steps"]}
    rows[record["name"]] = record
    lines = [json.dumps(rows[name]) for name in ROWS if name in rows]
    write_whole(path, ("[\n" + ",\n".join(lines) + "\n]\n").encode())


def gains(records: dict[str, Record], name: str, data: str = VALID) -> list[float]:
    """Returns how many dB a row is above the mean of the baselines, at each noise level."""
    baselines = [records[each][data] for each in BASELINES]
    return [records[name][data][str(s)] - fmean(each[str(s)] for each in baselines) for s in SIGMAS]


def per_second(records: dict[str, Record], name: str) -> float | None:
    """Returns how many dB a row is above residual blocks of the same time, in the mean of the noise levels.

    Those are on a line through baseline and wider net, over the logarithm of time.
    """
    if "wider" not in records:
        return None
    slope = fmean(gains(records, "wider")) / log(records["wider"]["time_ratio"])
    return fmean(gains(records, name)) - slope * log(records[name]["time_ratio"])


def blocks_table(records: dict[str, Record]) -> str:
    """Returns the rows that were trained on the same pictures, in Markdown."""
    first = records[BASELINES[0]]
    apart = [abs(gains(records, BASELINES[0])[i] - gains(records, BASELINES[1])[i]) for i in range(len(SIGMAS))]
    lines = [
        f"{first['steps']} steps, {first['megapixels']:.1f} megapixels each. The two seeds lie "
        f"{' / '.join(f'{db:.2f}' for db in apart)} dB apart: a difference of that size says nothing.",
        "",
        f"| row | parameters | kMAC/px | time/px | σ = {' / '.join(map(str, SIGMAS))}, dB | against the baseline | "
        "at equal time | training, CPU-s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, record in records.items():
        if ROWS[name].classic:
            continue
        level = "–" if name in (*BASELINES, "wider") or (db := per_second(records, name)) is None else f"{db:+.2f}"
        skipped = f" ({record['skipped_steps']} steps skipped)" if record["skipped_steps"] else ""
        lines.append(
            f"| `{name}`: {ROWS[name].about} | {record['parameters'] / 1e6:.2f} M | "
            f"{record['macs_per_pixel'] / 1e3:.1f} | {record['time_ratio']:.2f} × | {_levels(record[VALID])} | "
            f"{fmean(gains(records, name)):+.2f} | {level} | {record['train_cpu_seconds']:.0f}{skipped} |"
        )
    return "\n".join(lines) + "\n"


def data_table(records: dict[str, Record]) -> str:
    """Returns the rows that differ in the pictures they were trained on, in Markdown."""
    lines = [f"| row | pictures | {VALID}, dB | {TEST}, dB |", "|---|---|---|---|"]
    for name, record in records.items():
        if TEST in record:
            pictures = " + ".join(str(each["images"]) for each in record["data"])
            cells = (f"`{name}`: {ROWS[name].about}", pictures, _levels(record[VALID]), _levels(record[TEST]))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _levels(values: dict[str, float]) -> str:
    return " / ".join(f"{values[str(sigma)]:.2f}" for sigma in SIGMAS)


def renewed(text: str, records: dict[str, Record]) -> str:
    """Returns a page with the tables of the records.

    Raises:
        click.ClickException: A baseline has no record.
    """
    if missing := [name for name in BASELINES if name not in records]:
        raise click.ClickException(f"There is no record of {', '.join(missing)}: train the baselines first.")
    return between(between(text, "blocks", blocks_table(records)), "data", data_table(records))


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(ROWS)))
@click.option("--classic", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The 400 pictures.")
@click.option("--out", default=Path("runs/ablations"), type=click.Path(path_type=Path), help="Where runs are kept.")
@click.option("--page", is_flag=True, help="Only write the page.")
def main(names: Sequence[str], classic: Path | None, out: Path, page: bool) -> None:
    """Train, measure and keep the rows NAMES, all by default, and write docs/ablations.md."""
    if not page:
        chosen = names or [name for name, row in ROWS.items() if classic or not row.classic]
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            for record in pool.map(measure, chosen, [out] * len(chosen), [classic] * len(chosen)):
                click.echo(json.dumps(record))
                keep(record)
    records = kept()
    if page or set(BASELINES) <= set(records):
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), records), encoding="utf-8")


if __name__ == "__main__":
    main()
