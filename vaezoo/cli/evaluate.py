"""``vaezoo eval``: the numbers of a model by its task's protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigError
from .shelf import columns

if TYPE_CHECKING:
    from torch import Tensor

    from ..core import VAE
    from ..train.sets import Images

_DEFAULT_DATA = {"generate": "fashion-mnist", "denoise": "kodak24"}


@dataclass(frozen=True)
class Protocol:
    """How a model is measured: the task, and the options of ``vaezoo eval``.

    Raises:
        ConfigError: There is no protocol for the task, or the noise levels are no numbers.
    """

    task: str
    data: str | None = None
    limit: int | None = None
    sigma: str = "15,25,50"
    nll: int = 0
    binarise: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.task not in _DEFAULT_DATA:
            raise ConfigError(
                f"Models for {self.task!r} have no protocol.", hint="Known: generate, denoise.", value=self.task
            )
        _numbers(self.sigma)

    def images(self, model: VAE) -> Images:
        """Returns what is measured on, in as many channels as the model takes."""
        return load_test_split(self.data or _DEFAULT_DATA[self.task], model, self.limit)

    def measure(self, model: VAE) -> tuple[Images, list[dict[str, float]]]:
        """Returns what was measured on, and rows of values: one for each noise level, or one."""
        images = self.images(model)
        if self.task == "denoise":
            found = measure_restoration(model, images, _numbers(self.sigma))
            return images, [{"sigma": level, **values} for level, values in found.items()]
        return images, [measure_likelihood(model, images, nll=self.nll, binary=self.binarise, seed=self.seed)]


def flat(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns rows of values as a card has them, each with its noise level in its name."""
    return {
        f"{name}_sigma{row['sigma']:g}" if "sigma" in row else name: value
        for row in rows
        for name, value in row.items()
        if name != "sigma"
    }


@click.command("eval")
@click.argument("name")
@click.option("--data", help="A data set, or a folder or zip of pictures. Default: fashion-mnist or kodak24.")
@click.option("--weights", type=click.Path(path_type=Path), help="A safetensors file instead of the weights that ship.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many images, drawn by a fixed seed.")
@click.option("--sigma", default="15,25,50", show_default=True, help="Noise levels of a denoiser, grey levels.")
@click.option("--nll", type=click.IntRange(min=1), help="Estimate the likelihood by so many importance samples.")
@click.option("--binarise", is_flag=True, help="Make gray images black and white first, by a seeded draw.")
@click.option("--seed", default=0, show_default=True, help="Of the latents and the draw.")
@click.option(
    "--metrics", help="Metrics by name, such as elbo,nll,mig@1, instead of the task's own; see docs/evaluate.md."
)
@click.option("--samples", type=click.IntRange(min=1), default=100, show_default=True, help="Of the metric nll.")
@click.option("--max-mib", default=512.0, show_default=True, help="Memory that metrics may take at once, MiB.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    name: str,
    data: str | None,
    weights: Path | None,
    limit: int | None,
    sigma: str,
    nll: int | None,
    binarise: bool,
    seed: int,
    metrics: str | None,
    samples: int,
    max_mib: float,
    as_json: bool,
) -> None:
    """Measure the model NAME on a data set's test split.

    A generative model: ELBO, rate and distortion in nats per image. A denoiser: PSNR, SSIM and how honest its
    uncertainty is. Data sets are looked for in the folders of $VAEZOO_DATA.
    """
    from ..zoo import create, model_info

    task = model_info(name)["task"]
    protocol = Protocol(task, data, limit, sigma, nll or 0, binarise, seed)
    model = create(name, pretrained=weights or True)
    if metrics is None:
        images, rows = protocol.measure(model)
    else:
        images = protocol.images(model)
        numbers = {"samples": samples, "max_mib": max_mib}
        rows = [measure_metrics(model, images, metrics.split(","), binary=binarise, seed=seed, **numbers)]
    if as_json:
        click.echo(json.dumps({"model": name, "data": images.source, "results": rows}, indent=1))
        return
    click.echo(f"{name} on {images.source}, {len(images.pixels)} images")
    if task == "denoise" and metrics is None:
        click.echo(columns([tuple(rows[0]), *(tuple(f"{value:.4g}" for value in row.values()) for row in rows)]))
    else:
        texts = {
            key: f"{value:{'.2f' if metrics is None else '.4g'}}" if isinstance(value, float) else str(value)
            for key, value in rows[0].items()
        }
        click.echo(columns(list(texts.items())))


def load_test_split(name: str, model: VAE, limit: int | None = None) -> Images:
    """Loads a set, or its test split where it has one, in as many channels as the model takes.

    Args:
        name: As in `vaezoo.train.sets.load_images`; ``fashion-mnist`` is its test split.
        model: Whose channels count.
        limit: So many of them, drawn by a fixed seed and in their order: some sets are sorted by class.
    """
    from dataclasses import replace

    import numpy as np

    from ..train.sets import known_sets, load_images

    split = f"{name}-test" if f"{name}-test" in known_sets() else name
    images = load_images(split, gray=model.channels == 1)
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

    from ..image import Picture, to_tensor

    return to_tensor(Picture(np.asarray(pixels)))


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(0 <= number < float("inf") for number in numbers):
        raise ConfigError(f"Expected noise levels such as 15,25,50, got {text!r}.", value=text)
    return numbers


def measure_restoration(model: VAE, images: Images, sigmas: Sequence[float]) -> dict[float, dict[str, float]]:
    """Scores a denoiser on pictures, whole or tiled where they are large; see `vaezoo.evaluate.restoration`."""
    from ..evaluate import evaluate_restoration
    from ..restore import Restorer

    restorer = Restorer(model)
    return evaluate_restoration(lambda y: restorer(y)[:2], map(tensor_of, images.pixels), sigmas)


def measure_likelihood(
    model: VAE, images: Images, *, nll: int = 0, binary: bool = False, seed: int = 0
) -> dict[str, float]:
    """Measures the bound on images, told their labels where the model can use them; see `evaluate_likelihood`."""
    import torch

    from ..core import LabelConditioner
    from ..evaluate import binarise, evaluate_likelihood

    x = torch.cat([tensor_of(pixels) for pixels in images.pixels])
    cond = {}
    if isinstance(model.conditioner, LabelConditioner) and images.labels is not None:
        cond["label"] = torch.from_numpy(images.labels.copy()).long()
    return evaluate_likelihood(model, binarise(x, seed) if binary else x, cond=cond, nll_samples=nll, seed=seed)


def measure_metrics(
    model: VAE, images: Images, metrics: Sequence[str], *, binary: bool = False, seed: int = 0, **numbers: Any
) -> dict[str, float]:
    """Measures metrics by name on images, told their labels where the model can use them; see `vaezoo.evaluate`."""
    import torch

    from ..core import LabelConditioner
    from ..evaluate import Data, binarise
    from ..evaluate.measure import evaluate as measure

    x = torch.cat([tensor_of(pixels) for pixels in images.pixels])
    labels = None if images.labels is None else torch.from_numpy(images.labels.copy()).long()
    factors = None if images.factors is None else torch.from_numpy(images.factors)
    cond = {"label": labels} if isinstance(model.conditioner, LabelConditioner) and labels is not None else {}
    data = Data(binarise(x, seed) if binary else x, labels, factors, cond)
    return measure(model, data, metrics, seed=seed, **numbers)
