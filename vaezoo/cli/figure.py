"""Shared code of the commands that draw: options, images and conditions from the command line, and output."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vaezoo.cli.options import trust_code
from vaezoo.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE
    from vaezoo.figures import Projection, Sheet

FILE = click.Path(path_type=Path)
F = TypeVar("F", bound=Callable[..., Any])
DATA = "fashion-mnist"


def common(command: F) -> F:
    """Adds the options of all commands that draw."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the figure's values as JSON."),
        click.option("--overwrite", is_flag=True, help="Replace an existing figure."),
        click.option("--weights", type=FILE, help="Safetensors file to load instead of the shipped weights."),
        trust_code,
    ):
        command = option(command)
    return command


def output(default: str) -> Callable[[F], F]:
    """Returns the option for the path of the figure."""
    return click.option("-o", "--output", type=FILE, default=default, show_default=True, help="Path of the figure.")


def data(text: str) -> Callable[[F], F]:
    """Returns the option for a data set."""
    return click.option("--data", help=text)


seed = click.option("--seed", default=0, show_default=True, help="Random seed for all draws.")
condition = click.option(
    "--condition", multiple=True, metavar="NAME=NUMBER", help="Condition to draw under, such as label=3."
)


def load(name: str, weights: Path | None, output: Path, overwrite: bool) -> VAE:
    """Returns the model with weights, after a check that the figure can be written."""
    from vaezoo.figures import check_output
    from vaezoo.publish.loading import open_model

    check_output(output, overwrite=overwrite)
    return open_model(name, weights)


def finish(drawn: Sheet | Projection, output: Path, overwrite: bool, as_json: bool, name: str, what: str) -> None:
    """Writes the figure and prints a message."""
    from vaezoo.figures import write

    write(output, drawn, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps({"model": name, "figure": str(output), **drawn.facts}, indent=1))
    else:
        click.echo(f"{what} -> {output}")


def conditions(words: Sequence[str]) -> dict[str, Tensor]:
    """Parses conditions of one row from ``NAME=NUMBER``.

    Raises:
        ConfigError: A word has another form.
    """
    import torch

    found = {}
    for word in words:
        name, _, number = word.partition("=")
        if not (name and number.isdecimal()):
            raise ConfigError(f"Expected a condition as NAME=NUMBER, such as label=3, got {word!r}.", value=word)
        found[name] = torch.tensor([int(number)])
    return found


def cond_of(model: VAE, labels: Tensor | None, words: Sequence[str], rows: int) -> dict[str, Tensor]:
    """Returns conditions with a number of rows: those of the command line, and labels if the model uses them."""
    from vaezoo.core import LabelConditioner

    told = {name: value.expand(rows) for name, value in conditions(words).items()}
    if isinstance(model.conditioner, LabelConditioner) and labels is not None:
        told.setdefault("label", labels)
    return told


def pictures(files: Sequence[Path], data: str | None, number: int, model: VAE) -> tuple[list[Tensor], Tensor | None]:
    """Returns images (1, C, H, W) from files, or the first ones of a set's test split with their labels.

    Raises:
        ConfigError: Both files and a set are given.
    """
    import torch

    if files and data:
        raise ConfigError(f"Expected files or --data, got both: {files[0]} and {data}.", value=data)
    if files:
        from vaezoo.image import read_picture, to_tensor

        return [to_tensor(read_picture(file)) for file in files], None
    from vaezoo.release.protocol import load_test_split, own_protocol, tensor_of

    own = own_protocol(model, "generate")
    images = load_test_split(data or (own and own.data) or DATA, model.channels == 1, number)
    labels = None if images.labels is None else torch.from_numpy(images.labels.copy()).long()
    return [tensor_of(pixels) for pixels in images.pixels], labels


def stack(found: Sequence[Tensor], model: VAE) -> Tensor:
    """Stacks images to one tensor (N, C, H, W).

    Raises:
        ConfigError: The images differ in size, and the model takes any size.
    """
    import torch

    fitted = [fit(picture, model) for picture in found]
    sizes = sorted({(one.shape[2], one.shape[3]) for one in fitted})
    if len(sizes) > 1:
        told = " and ".join(f"{height}x{width}" for height, width in sizes[:2])
        raise ConfigError(f"Expected pictures of one size, got {told}.", hint="Resize them first.", value=sizes)
    return torch.cat(fitted)


def fit(x: Tensor, model: VAE) -> Tensor:
    """Converts an image (1, C, H, W) to the model's channels and, if it takes only one size, to that size."""
    from torch.nn.functional import interpolate

    from vaezoo.image.chroma import split_luma

    if x.shape[1] == 3 and model.channels == 1:
        x = split_luma(x)[0]
    if x.shape[1] == 1:
        x = x.expand(-1, model.channels, -1, -1)
    if model.size is not None and tuple(x.shape[-2:]) != model.size:
        x = interpolate(x, size=model.size, mode="bicubic", antialias=True).clamp(0, 1)
    return x
