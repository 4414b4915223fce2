"""Measures the models that were trained on gray Fashion-MNIST: ``python -m benchmarks.generative``.

The others are measured by `benchmarks.likelihood` and `benchmarks.style`.
Writes ``docs/generative.md``, and a figure of samples and one of reconstructions for each model.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

import vaezoo
from vaezoo.core import VAE, Noise
from vaezoo.evaluate import write_grid
from vaezoo.release.protocol import load_test_split, measure_likelihood, tensor_of

DOCS = Path(__file__).parents[1] / "docs"

HEAD = """# Generative models, measured

This page is written by `python -m benchmarks.generative`; do not edit it. `vaezoo eval NAME` measures one model.

The 10 000 test images of Fashion-MNIST, in grey. The likelihood is Bernoulli, so each figure is the expected one over
black and white images drawn from the grey levels, and comparable with other such bounds only. Nats per image, mean ±
standard error over images; one posterior sample an image. The ELBO is larger-better. A unit is active if its posterior
mean varies over images by more than 0.01. A model with β above 1 was trained for a smaller rate than the ELBO's best.
"""


def measure(model: VAE, limit: int | None = None) -> dict[str, float]:
    """Returns what `vaezoo.evaluate.evaluate_likelihood` does, on the test images."""
    return measure_likelihood(model, load_test_split("fashion-mnist", model.channels == 1, limit))


def draw(model: VAE, name: str, folder: Path) -> None:
    """Draws samples-NAME.png and reconstructions-NAME.png."""
    samples = model.sample(40, noise=Noise(seed=0))
    write_grid(folder / f"samples-{name}.png", [list(row) for row in samples.split(10)], zoom=2)
    x = torch.cat([tensor_of(pixels) for pixels in load_test_split("fashion-mnist", model.channels == 1, 10).pixels])
    write_grid(folder / f"reconstructions-{name}.png", [list(x), list(model.reconstruct(x))], zoom=2)


def row(name: str, report: dict[str, float]) -> str:
    """Returns a model's row of the table."""
    kinds = ("elbo", "distortion", "rate")
    cells = [f"{report[f'{kind}_nats']:.2f} ± {report[f'{kind}_stderr_nats']:.2f}" for kind in kinds]
    return f"| `{name}` | {' | '.join(cells)} | {report.get('active_units', '–')} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    argparse.ArgumentParser(prog="python -m benchmarks.generative", description=__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    lines = ["| model | ELBO | distortion | rate | active units |", "|---" * 5 + "|"]
    figures = []
    for full in vaezoo.list_models(task="generate", pretrained=True):
        if "fashion-mnist, gray pixels" not in vaezoo.model_info(full)["weights"][full]["protocol"]:
            continue
        model, name = vaezoo.create(full, pretrained=True), full.partition(".")[0]
        lines.append(row(full, measure(model)))
        draw(model, name, DOCS / "figures")
        figures += [f"## {name}\n", f"![samples](figures/samples-{name}.png)\n",
                    "Originals above, reconstructions below:\n",
                    f"![reconstructions](figures/reconstructions-{name}.png)\n"]  # fmt: skip
        print(lines[-1], flush=True)
    (DOCS / "generative.md").write_text("\n".join([HEAD, *lines, "", *figures]))


if __name__ == "__main__":
    main()
