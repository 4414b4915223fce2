"""``vaezoo eval``: the numbers of a model by its task's protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli.shelf import columns
from vaezoo.errors import ConfigError, ShapeError, suggest
from vaezoo.host.kinds import names_of
from vaezoo.registry.evaluation import evaluation_of
from vaezoo.restore.task import all_tasks, task_class

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE
    from vaezoo.data.sets import Images
    from vaezoo.registry.cards import Card

STYLES = ("class", "code", "reference")
OF_METRICS = ("samples", "max_mib", "precision")


@dataclass(frozen=True)
class Protocol:
    """How a model is measured: the task, and the options of ``vaezoo eval``.

    Raises:
        ConfigError: There is no protocol for the task, or the levels are no numbers.
    """

    task: str
    data: str | None = None
    limit: int | None = None
    levels: str | None = None
    nll: int = 0
    binarise: bool = False
    seed: int = 0
    style: str = ""

    def __post_init__(self) -> None:
        if self.task not in (known := ("generate", *names_of("task"))):
            raise ConfigError(
                f"Models for {self.task!r} have no protocol.", hint=suggest(self.task, known), value=self.task
            )
        if self.levels is not None:
            _numbers(self.levels)

    def numbers(self) -> list[float]:
        """Returns how much damage, in the task's unit."""
        return list(task_class(self.task).levels) if self.levels is None else _numbers(self.levels)

    def images(self, model: VAE) -> Images:
        """Returns what is measured on, in as many channels as the model takes, or as the task has them."""
        if self.task == "generate":
            data, gray = self.data or "fashion-mnist", bool(self.style) or model.channels == 1
        else:
            task = task_class(self.task)
            data, gray = self.data or task.data, task.gray or model.channels == 1
        return load_test_split(data, gray, self.limit)

    def measure(self, model: VAE) -> tuple[Images, list[dict[str, float]]]:
        """Returns what was measured on, and rows of values: one for each level of damage, or one."""
        images = self.images(model)
        if self.task == "generate":
            found = measure_likelihood(
                model, images, nll=self.nll, binary=self.binarise, seed=self.seed, style=self.style
            )
            return images, [found]
        word = task_class(self.task).word
        rows = measure_task(model, images, self.task, self.numbers())
        return images, [{word: level, **values} for level, values in rows.items()]


def flat(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns rows of values as a card has them, each with its level in its name, such as ``psnr_db_sigma15``."""
    words, named = {task.word for task in all_tasks().values()}, dict[str, float]()
    for row in rows:
        word = next((name for name in row if name in words), None)
        end = "" if word is None else f"_{word}{row[word]:g}"
        named |= {name + end: value for name, value in row.items() if name != word}
    return named


@click.command("eval")
@click.argument("name")
@click.option(
    "--data", help="Data set, or folder or zip of pictures. Default: the card's, else fashion-mnist or kodak24."
)
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Safetensors file to load instead of the shipped weights."
)
@click.option("--limit", type=click.IntRange(min=1), help="Number of images, drawn by a fixed seed. Default: all.")
@click.option("--levels", "--sigma", "levels", help="Damage levels, such as 15,25,50. Default: the task's own.")
@click.option("--nll", type=click.IntRange(min=1), help="Number of importance samples of the likelihood's estimate.")
@click.option("--binarise", is_flag=True, help="Binarise gray images first, by a seeded draw.")
@click.option("--seed", default=0, show_default=True, help="Random seed for the latents and for binarisation.")
@click.option("--style", type=click.Choice(STYLES), help="Style in which each image is drawn; the model is told it.")
@click.option(
    "--metrics", help="Names of metrics, such as elbo,nll,mig@1. Default: the task's own. See docs/evaluate.md."
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Number of importance samples of the metric nll.",
)
@click.option("--max-mib", default=512.0, show_default=True, help="Memory limit of the metrics, MiB.")
@click.option(
    "--precision",
    type=click.Choice(("fp32", "bf16")),
    default="fp32",
    help="Precision of the metric nll; bf16 takes less time.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def evaluate(
    context: click.Context,
    name: str,
    data: str | None,
    weights: Path | None,
    limit: int | None,
    levels: str | None,
    nll: int | None,
    binarise: bool,
    seed: int,
    style: str | None,
    metrics: str | None,
    samples: int,
    max_mib: float,
    precision: str,
    as_json: bool,
) -> None:
    """Measure the model NAME, or one that vaezoo.save wrote into the folder NAME, on a data set's test split.

    A generative model: ELBO, rate and distortion in nats per image. Another: PSNR, SSIM and how honest its
    uncertainty is, by the protocol of its task. Data sets are looked for in the folders of $VAEZOO_DATA.
    """
    from vaezoo.publish.opened import open_model, task_of

    task = task_of(name)
    _refuse_unused(context, task, metrics)
    protocol = Protocol(task, data, limit, levels, nll or 0, binarise, seed, style or "")
    model = open_model(name, weights)
    own = own_protocol(model, task) if data is None else None
    if own is not None:  # the images that the card's scores are of
        protocol = replace(
            protocol, data=own.data, binarise=binarise or own.binarise, style=protocol.style or own.style
        )
    if metrics is None:
        images, rows = protocol.measure(model)
    else:
        images = protocol.images(model)
        numbers = {"samples": samples, "max_mib": max_mib, "precision": precision}
        names = metrics.split(",")
        rows = [
            measure_metrics(model, images, names, binary=protocol.binarise, seed=seed, style=protocol.style, **numbers)
        ]
    if as_json:
        click.echo(json.dumps({"model": name, "data": images.source, "results": rows}, indent=1))
        return
    click.echo(f"{name} on {images.source}, {len(images.pixels)} images")
    if task != "generate" and metrics is None:
        click.echo(columns([tuple(rows[0]), *(tuple(f"{value:.4g}" for value in row.values()) for row in rows)]))
    else:
        texts = {
            key: f"{value:{'.2f' if metrics is None else '.4g'}}" if isinstance(value, float) else str(value)
            for key, value in rows[0].items()
        }
        click.echo(columns(list(texts.items())))


def protocol_of(card: Card, task: str) -> Protocol:
    """Returns how a card's scores were measured.

    Raises:
        ConfigError: The card does not say.
    """
    if not card.evaluation:
        raise ConfigError(
            f"The card of {card.name!r} does not say how its scores were measured.",
            hint="It should have a key evaluation, such as evaluation: {data: kodak24}; ask whoever wrote it.",
            value=card.protocol,
        )
    told = evaluation_of(card.evaluation)
    levels = ",".join(f"{level:g}" for level in told.levels) or None
    return Protocol(task, told.data or None, told.limit or None, levels, told.nll, told.binarise, told.seed, told.style)


def own_protocol(model: VAE, task: str) -> Protocol | None:
    """Returns how the scores of a model's weights were measured; None where no card says it."""
    report = getattr(getattr(model, "origin", None), "weights", None)
    if report is None or report.card is None:
        return None
    try:
        return protocol_of(report.card, task)
    except ConfigError:
        return None


def _refuse_unused(context: click.Context, task: str, metrics: str | None) -> None:
    """Refuses options that what is measured makes no use of."""
    if metrics is not None:
        unused: tuple[str, ...] = ("levels", "nll") if task == "generate" else ("levels", "nll", "style")
        what = "--metrics"
    elif task == "generate":
        unused, what = ("levels", *OF_METRICS), "the bound of a generative model"
    else:
        unused, what = ("nll", "binarise", "seed", "style", *OF_METRICS), f"the protocol of {task}"
    options = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    for name in unused:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            hint = "Leave it out" + (", or ask for --metrics." if name in OF_METRICS else ".")
            raise ConfigError(f"{options[name]} means nothing to {what}.", hint=hint, value=name)


def load_test_split(name: str, gray: bool, limit: int | None = None) -> Images:
    """Loads a set, or its test split where it has one.

    Args:
        name: As in `vaezoo.data.sets.load_images`; ``fashion-mnist`` is its test split.
        gray: Pictures as one channel of luma.
        limit: So many of them, drawn by a fixed seed and in their order: some sets are sorted by class.
    """
    import numpy as np

    from vaezoo.data.sets import load_images, set_names

    split = f"{name}-test" if f"{name}-test" in set_names() else name
    images = load_images(split, gray=gray)
    if limit is None or limit >= len(images.pixels):
        return images
    chosen = np.sort(np.random.default_rng(0).permutation(len(images.pixels))[:limit])
    return replace(
        images,
        pixels=[images.pixels[index] for index in chosen],
        names=tuple(images.names[index] for index in chosen) if images.names else (),
        labels=None if images.labels is None else images.labels[chosen],
        factors=None if images.factors is None else images.factors[chosen],
    )


def tensor_of(pixels: Any) -> Tensor:
    """Returns 8-bit pixels (H, W, C) as a tensor (1, C, H, W) in [0, 1]."""
    import numpy as np

    from vaezoo.image import Picture, to_tensor

    return to_tensor(Picture(np.asarray(pixels)))


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(0 <= number < float("inf") for number in numbers):
        raise ConfigError(f"Expected levels such as 15,25,50, got {text!r}.", value=text)
    return numbers


def measure_task(model: VAE, images: Images, task: str, levels: Sequence[float]) -> dict[float, dict[str, float]]:
    """Scores a model on pictures, whole or tiled where they are large; see `vaezoo.restore.measure.evaluate_task`."""
    from vaezoo.restore import Restorer
    from vaezoo.restore.measure import evaluate_task

    return evaluate_task(task_class(task), Restorer(model), map(tensor_of, images.pixels), levels)


def measure_likelihood(
    model: VAE, images: Images, *, nll: int = 0, binary: bool = False, seed: int = 0, style: str = ""
) -> dict[str, float]:
    """Measures the bound on images, told their labels or styles where the model can use them.

    See `vaezoo.evaluate.evaluate_likelihood`.
    """
    import torch

    from vaezoo.core import LabelConditioner
    from vaezoo.evaluate import binarise, evaluate_likelihood

    if style:
        x, cond = _styled(images, style, model.channels == 3, seed)
        return evaluate_likelihood(model, x, cond=cond, nll_samples=nll, seed=seed)
    x = _whole(images)
    cond = {}
    if isinstance(model.conditioner, LabelConditioner) and images.labels is not None:
        cond["label"] = torch.from_numpy(images.labels.copy()).long()
    return evaluate_likelihood(model, binarise(x, seed) if binary else x, cond=cond, nll_samples=nll, seed=seed)


def _whole(images: Images) -> Tensor:
    """Returns all images as one tensor (N, C, H, W).

    Raises:
        ShapeError: They are not of one size.
    """
    import torch

    sizes = sorted({pixels.shape[:2] for pixels in images.pixels})
    if len(sizes) > 1:
        told = " and ".join(f"{height}x{width}" for height, width in sizes[:2])
        raise ShapeError(
            f"Expected images of one size, but {images.source} has some of {told}.",
            hint="Resize them, or take a set of one size.",
            value=sizes,
        )
    return torch.cat([tensor_of(pixels) for pixels in images.pixels])


def _styled(images: Images, style: str, colour: bool, seed: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Returns gray images, each in a style drawn by the seed, and what tells a model of it."""
    import torch

    from vaezoo.train.data import WholeImages
    from vaezoo.train.recipe import DataRecipe

    source = WholeImages((images,), DataRecipe(style=style, style_colour=colour), seed)
    count = len(images.pixels)
    batch = source.batch(0, range(count), count, torch.device("cpu"))
    return batch.y, dict(batch.cond)


def measure_metrics(
    model: VAE,
    images: Images,
    metrics: Sequence[str],
    *,
    binary: bool = False,
    seed: int = 0,
    style: str = "",
    **numbers: Any,
) -> dict[str, float]:
    """Measures metrics by name on images, told their labels or styles where the model can use them.

    See `vaezoo.evaluate`.
    """
    import torch

    from vaezoo.core import LabelConditioner
    from vaezoo.evaluate import Data, binarise
    from vaezoo.evaluate.measure import evaluate as measure

    labels = None if images.labels is None else torch.from_numpy(images.labels.copy()).long()
    factors = None if images.factors is None else torch.from_numpy(images.factors)
    if style:
        x, cond = _styled(images, style, model.channels == 3, seed)
    else:
        x = _whole(images)
        cond = {"label": labels} if isinstance(model.conditioner, LabelConditioner) and labels is not None else {}
    data = Data(binarise(x, seed) if binary else x, labels, factors, cond)
    return measure(model, data, metrics, seed=seed, **numbers)
