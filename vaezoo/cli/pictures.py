"""``vaezoo sample`` and ``vaezoo reconstruct``: what a model dreams, and what it keeps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from ..core import VAE

_FILE = click.Path(path_type=Path)
_weights = click.option("--weights", type=_FILE, help="A safetensors file instead of the weights that ship.")


@click.command()
@click.argument("name")
@click.option("-n", "number", type=click.IntRange(min=1), default=64, show_default=True, help="How many.")
@click.option("-o", "--output", type=_FILE, default="samples.png", show_default=True, help="The figure.")
@click.option("--seed", default=0, show_default=True, help="Of the samples.")
@_weights
def sample(name: str, number: int, output: Path, seed: int, weights: Path | None) -> None:
    """Draw a grid of samples of the model NAME."""
    from ..core import Noise
    from ..evaluate import write_grid
    from ..zoo import create

    model = create(name, pretrained=weights or True)
    if model.encodes == "target":
        raise ConfigError(
            f"{name!r} restores pictures and cannot imagine one.",
            hint=f"Run vaezoo enhance --model {name}.",
            value=name,
        )
    images = model.sample(number, noise=Noise(seed=seed))
    side = math.ceil(math.sqrt(number))
    write_grid(output, [list(row) for row in images.split(side)], zoom=zoom_of(images[0]))
    click.echo(f"{number} samples -> {output}")


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--data", help="A data set, folder or zip, instead of files. Default: fashion-mnist.")
@click.option("-n", "number", type=click.IntRange(min=1), default=10, show_default=True, help="How many of a set.")
@click.option("-o", "--output", type=_FILE, default="reconstructions.png", show_default=True, help="The figure.")
@_weights
def reconstruct(
    name: str, files: tuple[Path, ...], data: str | None, number: int, output: Path, weights: Path | None
) -> None:
    """Draw pictures above what the model NAME makes of them.

    The pictures are FILES, or the first ones of a data set's test split.
    """
    from ..evaluate import write_grid
    from ..zoo import create

    model = create(name, pretrained=weights or True)
    originals = [fit(picture, model) for picture in _pictures(files, data, number, model)]
    below = [model.reconstruct(x)[0] for x in originals]
    write_grid(output, [[x[0] for x in originals], below], zoom=zoom_of(below[0]))
    click.echo(f"{len(originals)} reconstructions -> {output}")


def fit(x: Tensor, model: VAE) -> Tensor:
    """Returns a picture (1, C, H, W) in the channels and, where the model takes one only, the size it takes."""
    import torch
    from torch.nn.functional import interpolate

    if x.shape[1] == 3 and model.channels == 1:
        x = (x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)  # BT.601 luma
    if x.shape[1] == 1:
        x = x.expand(-1, model.channels, -1, -1)
    if model.size is not None and tuple(x.shape[-2:]) != model.size:
        x = interpolate(x, size=model.size, mode="bicubic", antialias=True).clamp(0, 1)
    return x


def zoom_of(image: Tensor) -> int:
    """Returns the whole number of times that an image (C, H, W) is enlarged to be seen: its height reaches 56."""
    return max(1, 56 // image.shape[1])


def _pictures(files: tuple[Path, ...], data: str | None, number: int, model: VAE) -> list[Tensor]:
    """Returns pictures (1, C, H, W)."""
    if files and data:
        raise ConfigError(f"Expected files or --data, got both: {files[0]} and {data}.", value=data)
    if files:
        from ..image import read_picture, to_tensor

        return [to_tensor(read_picture(file)) for file in files]
    from .evaluate import load_test_split, tensor_of

    return [tensor_of(pixels) for pixels in load_test_split(data or "fashion-mnist", model, number).pixels]
