"""``vaezoo sample`` and ``vaezoo reconstruct``: figures of samples and reconstructions."""

from __future__ import annotations

from pathlib import Path

import click

from vaezoo.cli import figure as of
from vaezoo.errors import ConfigError


@click.command()
@click.argument("name")
@click.option("-n", "number", type=click.IntRange(min=1), default=64, show_default=True, help="Number of samples.")
@click.option(
    "--rows", type=click.IntRange(min=1), help="Number of rows; of a class-conditional model, number of classes."
)
@click.option("--columns", type=click.IntRange(min=1), help="Number of images in a row.")
@of.output("samples.png")
@of.condition
@of.seed
@of.common
def sample(
    name: str,
    number: int,
    rows: int | None,
    columns: int | None,
    output: Path,
    condition: tuple[str, ...],
    seed: int,
    weights: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw a grid of samples of the model NAME.

    A model with class labels gets a row for each class, with the same latents in every row.
    """
    from vaezoo.figures import sample as draw

    model = of.load(name, weights, output, overwrite)
    if model.encodes == "target":
        raise ConfigError(
            f"{name!r} restores images and cannot generate any.",
            hint=f"Run vaezoo enhance --model {name}.",
            value=name,
        )
    told = of.conditions(condition)
    sheet = draw(model, number, rows=rows, columns=columns, cond=told, seed=seed)
    of.finish(sheet, output, overwrite, as_json, name, f"{sheet.facts['samples']} samples")


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, type=of.FILE)
@of.data("A data set, folder or zip, instead of files. Default: the card's, or fashion-mnist.")
@click.option(
    "-n", "number", type=click.IntRange(min=1), default=10, show_default=True, help="Number of pictures of a data set."
)
@click.option(
    "--samples", type=click.IntRange(min=0), default=0, show_default=True, help="Number of rows of posterior samples."
)
@click.option("--difference/--no-difference", default=True, help="Show the difference of picture and reconstruction.")
@of.output("reconstructions.png")
@of.condition
@of.seed
@of.common
def reconstruct(
    name: str,
    files: tuple[Path, ...],
    data: str | None,
    number: int,
    samples: int,
    difference: bool,
    output: Path,
    condition: tuple[str, ...],
    seed: int,
    weights: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw images, their reconstructions by the model NAME, and the differences.

    The images are FILES, or the first ones of a data set's test split. The model is told their labels if it uses them.
    """
    from vaezoo.figures import reconstruct as draw

    model = of.load(name, weights, output, overwrite)
    found, labels = of.pictures(files, data, number, model)
    originals = [of.fit(picture, model) for picture in found]
    cond = of.cond_of(model, labels, condition, len(originals))
    sheet = draw(model, originals, cond=cond, samples=samples, difference=difference, seed=seed)
    of.finish(sheet, output, overwrite, as_json, name, f"{len(originals)} reconstructions")
