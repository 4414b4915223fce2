"""How a model is measured, by ``vaezoo eval`` and for the scores of a card: images, levels of damage, and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vaezoo.errors import ConfigError, ShapeError, suggest
from vaezoo.host.kinds import names_of
from vaezoo.registry.evaluation import evaluation_of
from vaezoo.restore.task import all_tasks, task_class

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE
    from vaezoo.data.sets import Images
    from vaezoo.registry.cards import Card


@dataclass(frozen=True)
class Protocol:
    """How a model is measured: its task, and the options of ``vaezoo eval``.

    Raises:
        ConfigError: The task has no protocol, or the levels are not numbers.
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
        """Returns the levels of the damage, in the task's unit."""
        return list(task_class(self.task).levels) if self.levels is None else _numbers(self.levels)

    def images(self, model: VAE) -> Images:
        """Returns the test images, in gray or colour as the model takes them, or as the task's protocol says."""
        if self.task == "generate":
            data, gray = self.data or "fashion-mnist", bool(self.style) or model.channels == 1
        else:
            task = task_class(self.task)
            data, gray = self.data or task.data, task.gray or model.channels == 1
        return load_test_split(data, gray, self.limit)

    def measure(self, model: VAE) -> tuple[Images, list[dict[str, float]]]:
        """Measures a model. Returns the images, and rows of values: one per level of damage, or one."""
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
    """Flattens rows of values for a card. The level becomes part of the name, such as ``psnr_db_sigma15``."""
    words, named = {task.word for task in all_tasks().values()}, dict[str, float]()
    for row in rows:
        word = next((name for name in row if name in words), None)
        end = "" if word is None else f"_{word}{row[word]:g}"
        named |= {name + end: value for name, value in row.items() if name != word}
    return named


def protocol_of(card: Card, task: str) -> Protocol:
    """Returns how a card's scores were measured.

    Raises:
        ConfigError: The card does not say how.
    """
    if not card.evaluation:
        raise ConfigError(
            f"The card of {card.name!r} does not say how its scores were measured.",
            hint="It should have a key evaluation, such as evaluation: {data: kodak24}; ask its author.",
            value=card.protocol,
        )
    told = evaluation_of(card.evaluation)
    levels = ",".join(f"{level:g}" for level in told.levels) or None
    return Protocol(task, told.data or None, told.limit or None, levels, told.nll, told.binarise, told.seed, told.style)


def own_protocol(model: VAE, task: str) -> Protocol | None:
    """Returns how the scores of a model's weights were measured; None if no card says it."""
    report = getattr(getattr(model, "origin", None), "weights", None)
    if report is None or report.card is None:
        return None
    try:
        return protocol_of(report.card, task)
    except ConfigError:
        return None


def load_test_split(name: str, gray: bool, limit: int | None = None) -> Images:
    """Loads a data set, or its test split if it has one.

    Args:
        name: Name, as for `vaezoo.data.sets.load_images`; ``fashion-mnist`` gives its test split.
        gray: Whether to load images as one channel of luma.
        limit: Number of images, drawn by a fixed seed and kept in order, since some sets are sorted by class.
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
    """Converts 8-bit pixels (H, W, C) to a tensor (1, C, H, W) in [0, 1]."""
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
    """Scores a model on images, in tiles if they are large; see `vaezoo.restore.measure.evaluate_task`."""
    from vaezoo.restore import Restorer
    from vaezoo.restore.measure import evaluate_task

    return evaluate_task(task_class(task), Restorer(model), map(tensor_of, images.pixels), levels)


def measure_likelihood(
    model: VAE, images: Images, *, nll: int = 0, binary: bool = False, seed: int = 0, style: str = ""
) -> dict[str, float]:
    """Measures the bound on images. The model is told their labels or styles if it uses them.

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
    """Stacks all images to one tensor (N, C, H, W).

    Raises:
        ShapeError: The images have different sizes.
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
    """Returns gray images, each in a random style, and the conditions that tell the style."""
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
    """Measures metrics by name on images. The model is told their labels or styles if it uses them.

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
