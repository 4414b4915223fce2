"""Measures how far content and style are apart in pretrained style models: ``python -m benchmarks.style``.

Trains the dense model's recipe once more without its separating term (into ``runs/``, taken up again where it is
there), then probes on latents and a judge of pictures. Writes ``docs/style.md`` and a figure of swaps for each model.
Needs Fashion-MNIST in ``$VAEZOO_DATA``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import vaezoo
from vaezoo.core import VAE, Batch, DiagonalGaussian, Noise
from vaezoo.data.styles import PRESETS
from vaezoo.evaluate import write_grid
from vaezoo.host.manager import current_zoo
from vaezoo.train.data import Source, open_source
from vaezoo.train.loop import train
from vaezoo.train.recipe import load_recipe

DOCS = Path(__file__).parents[1] / "docs"
IMAGES = 10_000
CPU = torch.device("cpu")
MODELS = ("mlp-style", "conv-style", "resnet-style")
Telling = Callable[[Tensor], dict[str, Tensor]]
"""From classes of style (B,) to the model's condition."""
ABLATED = ("mlp-style",)
"""Trained once more without the separating term: the others would take ten times as long."""

HEAD = """# Style, measured

This page is written by `python -m benchmarks.style`; do not edit it. Fashion-MNIST in procedural styles
(`vaezoo/data/styles.py`), each test picture in one drawn by a seed. In percent:

- **class, style**: a linear and a two-layer probe trained on the latents of 10 000 styled training pictures and
  scored on the 10 000 test pictures: on one draw of the posterior each, which is what the decoder sees and the loss
  compares, and on the posterior means, where a probe also reads differences far smaller than the posterior's noise. A
  probe that knows nothing of the style scores 12.5 on eight classes of style.
- **judge**: a small convolutional classifier, trained on styled training pictures, on the test pictures themselves, on
  their reconstructions, and on pictures decoded in the style of the next test picture: the class that a swap kept. The
  last column is a second judge's: how often the swapped picture shows the style that was asked for.

`mlp-style` is told the class of style, `conv-style` its five numbers, `resnet-style` another picture in that style; the
last two see colours, so their pictures and judges are others. All are shown the same eight styles here, whatever
theirs were in training. "Without" is the same recipe with the separating term's weight at 0.
"""


def fit(network: nn.Module, inputs: Tensor, labels: Tensor, epochs: int) -> nn.Module:
    """Trains a classifier by Adam and returns it."""
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs), generator=generator).split(128):
            optimiser.zero_grad()
            F.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimiser.step()
    return network.eval()


@torch.no_grad()
def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """Returns how often a classifier is right, in percent."""
    right = [(network(a).argmax(1) == b) for a, b in zip(inputs.split(1000), labels.split(1000), strict=True)]
    return 100 * float(torch.cat(right).float().mean())


def judge(channels: int, classes: int) -> nn.Module:
    """Returns a small convolutional classifier."""
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, classes)
    )  # fmt: skip


def probe_accuracy(make: Callable[[], nn.Module], sets: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Returns the accuracy of a probe trained on the first set, on the second."""
    torch.manual_seed(0)
    (inputs, labels), (tests, answers) = sets
    mean, std = inputs.mean(0), inputs.std(0) + 1e-6
    return accuracy(fit(make(), (inputs - mean) / std, labels, 20), (tests - mean) / std, answers)


@torch.no_grad()
def contents(model: VAE, batch: Batch, temperature: float = 0.0) -> Tensor:
    """Returns a draw of the posterior for each image, or its mean at temperature 0: (B, ...)."""
    noise = Noise(temperature, seed=0)
    z = torch.cat([model.encode(part).mean for part in batch.y.split(1000)])  # type: ignore[union-attr]
    if temperature == 0:
        return z
    logvar = torch.cat([model.encode(part).logvar for part in batch.y.split(1000)])  # type: ignore[union-attr]
    return DiagonalGaussian(z, logvar).sample(1, noise)[0][0]


def telling(kind: str, shown: Batch) -> Telling:
    """Returns what gives a model's condition for classes of style.

    Args:
        kind: How the model is told, as ``data.style`` of its recipe.
        shown: Pictures to take references from, none of them of the test set.
    """
    places = [(shown.cond["style_class"] == index).nonzero().flatten() for index in range(len(PRESETS))]

    def told(style: Tensor) -> dict[str, Tensor]:
        if kind == "class":
            return {"style_class": style}
        if kind == "code":
            return {"style_code": torch.tensor(PRESETS)[style]}
        rows = [int(places[index][i % len(places[index])]) for i, index in enumerate(style.tolist())]
        return {"style_reference": shown.y[rows]}

    return told


@torch.no_grad()
def decoded(model: VAE, z: Tensor, told: dict[str, Tensor]) -> Tensor:
    """Returns pictures of contents (B, ...) in the styles that the model is told."""
    ((name, values),) = told.items()
    parts = zip(z.split(1000), values.split(1000), strict=True)
    return torch.cat([model.decode(a, cond={name: b}).image for a, b in parts])


def probed(model: VAE, batches: Sequence[Batch], temperature: float) -> list[float]:
    """Returns four accuracies: class and style, each by a linear and a two-layer probe."""
    z = [contents(model, batch, temperature).flatten(1) for batch in batches]
    width, scores = z[0].shape[1], []
    for what, classes in (("label", 10), ("style_class", 8)):
        labels = [{**batch.info, **batch.cond}[what] for batch in batches]
        for make in (
            lambda n=classes: nn.Linear(width, n),
            lambda n=classes: nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, n)),
        ):
            scores.append(probe_accuracy(make, list(zip(z, labels, strict=True))))
    return scores


def judged(model: VAE, test: Batch, judges: Sequence[nn.Module], told: Telling) -> list[float]:
    """Returns four accuracies: class of the pictures, of reconstructions and of swaps, and style of swaps."""
    z, style, label = contents(model, test), test.cond["style_class"], test.info["label"]
    other = style.roll(-1)
    swapped = decoded(model, z, told(other))
    seen = [test.y, decoded(model, z, told(style)), swapped]
    return [*(accuracy(judges[0], x, label) for x in seen), accuracy(judges[1], swapped, other)]


def row(title: str, scores: Sequence[float]) -> str:
    """Returns a row of a table."""
    return f"| {title} | {' | '.join(f'{score:.1f}' for score in scores)} |"


def draw(model: VAE, name: str, test: Batch, told: Telling) -> None:
    """Draws style-NAME.png: a picture of each class, and it decoded in every style."""
    rows = []
    for kind in range(10):
        index = int((test.info["label"] == kind).nonzero()[0])
        x = test.y[index : index + 1]
        content = contents(model, Batch(x))
        swapped = decoded(model, content.expand(8, *content.shape[1:]), told(torch.arange(8)))
        rows.append([x[0], *swapped])
    write_grid(DOCS / "figures" / f"style-{name}.png", rows, zoom=2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    argparse.ArgumentParser(prog="python -m benchmarks.style", description=__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    heads = ("class, linear", "class, MLP", "style, linear", "style, MLP")
    probes = [f"| probe of | {' | '.join(heads)} |", "|---" * 5 + "|"]
    judgements = ["| judge of | pictures | reconstructed | swapped | style asked for |", "|---" * 5 + "|"]
    figures = []
    for name in (name for name in MODELS if current_zoo().registry.cards_of(name)):
        recipe = load_recipe(name)
        data = replace(recipe.data, style="class")
        sources: list[Source] = [open_source(data, [kind], 1) for kind in ("fashion-mnist", "fashion-mnist-test")]
        batches = [source.batch(0, range(IMAGES), IMAGES, CPU) for source in sources]
        torch.manual_seed(0)
        channels = batches[0].y.shape[1]
        judges = [
            fit(judge(channels, 10), batches[0].y, batches[0].info["label"], 8),
            fit(judge(channels, 8), batches[0].y, batches[0].cond["style_class"], 3),
        ]
        told = telling(recipe.data.style, batches[0])
        tried: list[tuple[str, bool | Path]] = [(f"`{name}`", True)]
        if name in ABLATED:
            ablation = load_recipe(name, ["overrides=[loss.weight=0]"])
            tried.append(("without", train(ablation, Path("runs") / f"{name}-without").weights))
        for title, weights in tried:
            model = vaezoo.create(name, pretrained=weights)
            for what, temperature in (("draws", 1.0), ("means", 0.0)):
                probes.append(row(f"{title}, {what}", probed(model, batches, temperature)))
            judgements.append(row(title, judged(model, batches[1], judges, told)))
            print(*probes[-2:], judgements[-1], sep="\n", flush=True)
            if weights is True:
                draw(model, name, batches[1], told)
        figures += [
            f"## {name}\n\nA test picture of each class as it came, and its content in each of the eight styles:\n",
            f"![swaps](figures/style-{name}.png)\n",
        ]
    (DOCS / "style.md").write_text("\n".join([HEAD, *probes, "", *judgements, "", *figures]))


if __name__ == "__main__":
    main()
