"""Measures the likelihood of the shelf's models beside published values: ``python -m benchmarks.likelihood``.

What is measured stands in ``likelihood.yaml``. A value is kept in ``results/likelihood.json`` with the hash of its
weights and is not measured again until one of them changes; ``--page`` only writes ``docs/likelihood.md`` anew.
Needs the test sets in ``$VAEZOO_DATA``, but for ``--page``.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import yaml

ROOT = Path(__file__).parents[1]
ROWS = Path(__file__).with_name("likelihood.yaml")
RESULTS = Path(__file__).parent / "results" / "likelihood.json"
PAGE = ROOT / "docs" / "likelihood.md"

HEAD = """# Likelihood, beside published values

This page is written by `python -m benchmarks.likelihood`; do not edit it.

−log p(x) of the test images in nats per image, smaller is better, mean ± standard error over images, by K importance
samples an image ([Burda et al., 2015](https://arxiv.org/abs/1509.00519), eq. 8), which overstates it a little for any
finite K. All 10 000 test images, unless a row names fewer: those are drawn by a fixed seed. *Dynamic*: pixels of the
training images are drawn anew from their grey levels at every visit, those of the test images once, by a seed.
*Static*: the fixed binarisation of Larochelle and Murray (2011); trained on its 50 000 training images unless a row
says otherwise. The two are not comparable. Epochs with a + were trained in legs, each from the weights of the last.
Hours are of one processor core, other work beside it, over all legs.
"""


def read_rows() -> list[dict[str, Any]]:
    """Returns what is to be measured: weights, data, samples and the published value of each row."""
    rows: list[dict[str, Any]] = yaml.safe_load(ROWS.read_text(encoding="utf-8"))
    return rows


def key(row: dict[str, Any], sha256: str) -> dict[str, Any]:
    """Returns what a stored value depends on."""
    return {name: row[name] for name in ("data", "binarise", "samples", "images") if name in row} | {"sha256": sha256}


def measure(row: dict[str, Any]) -> dict[str, float]:
    """Returns the NLL and bound of a row's weights on the whole test set, with the CPU seconds it took."""
    from vaezoo import create
    from vaezoo.release.protocol import load_test_split, measure_likelihood

    model = create(row["weights"], pretrained=True)
    images = load_test_split(row["data"], model.channels == 1, row.get("images"))
    before = time.process_time()
    found = measure_likelihood(model, images, nll=row["samples"], binary=row["binarise"])
    return found | {"cpu_seconds": round(time.process_time() - before, 1)}


def page(rows: list[dict[str, Any]], results: dict[str, Any]) -> str:
    """Returns the page, from stored values and the cards alone."""
    from vaezoo.zoo.info import model_info

    lines = [
        "| model | data | K | published | ours | gap to the bound | epochs: paper | ours | core hours |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    commands = []
    for row in rows:
        found = results.get(row["weights"])
        if found is None:
            continue
        card = model_info(row["weights"])["weights"][row["weights"].partition(".")[2]]
        published = f"{row['published']:.2f} ({row['source']})" if row.get("published") else "–"
        epochs = card["steps"] * row["batch"] / sum(data["images"] for data in card["data"])
        before = row.get("before", {"epochs": [], "core_hours": 0.0})
        legs = " + ".join(f"{count:.0f}" for count in (*before["epochs"], epochs))
        shown = f"{row['shown']}, {row['images']} test images" if "images" in row else row["shown"]
        lines.append(
            f"| `{row['weights']}` | {shown} | {row['samples']} | {published} "
            f"| **{found['nll_nats']:.2f} ± {found['nll_stderr_nats']:.2f}** "
            f"| {-found['elbo_nats'] - found['nll_nats']:.2f} | {row.get('paper_epochs', '–')} | {legs} "
            f"| {card['cpu_hours'] + before['core_hours']:.1f} |"
        )
        commands += [*before.get("commands", []), card["command"]]
    if not commands:
        return HEAD
    return "\n".join([HEAD, *lines, "", "Trained by:", "", "```", *dict.fromkeys(commands), "```", ""])


@click.command()
@click.option("--page", "only_page", is_flag=True, help="Measure nothing.")
@click.option("--row", "wanted", multiple=True, help="Only these weights.")
def main(only_page: bool, wanted: tuple[str, ...]) -> None:
    """Measure what has changed, and write the page."""
    import torch

    from vaezoo.zoo.info import list_models, model_info

    torch.set_num_threads(1)
    rows, shelf = read_rows(), list_models(pretrained=True)
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for row in rows:
        name = row["weights"]
        if name not in shelf or only_page or (wanted and name not in wanted):
            continue
        card = model_info(name)["weights"][name.partition(".")[2]]
        depends = key(row, card["sha256"])
        if results.get(name, {}).get("of") == depends:
            continue
        results[name] = measure(row) | {"of": depends}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        click.echo(f"{name}: {results[name]['nll_nats']:.2f} ± {results[name]['nll_stderr_nats']:.2f}")
    PAGE.write_text(page(rows, results), encoding="utf-8")


if __name__ == "__main__":
    main()
