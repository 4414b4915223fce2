"""``vaezoo traverse``, ``interpolate`` and ``latents``: figures of a model's latents."""

from __future__ import annotations

from pathlib import Path

import click

from vaezoo.cli import figure as of
from vaezoo.errors import ConfigError


@click.command()
@click.argument("name")
@click.argument("file", required=False, type=of.FILE)
@of.data("A data set, folder or zip, by which latents are ranked; else the model's own samples.")
@click.option(
    "-n",
    "number",
    type=click.IntRange(min=2),
    default=500,
    show_default=True,
    help="Number of images that rank the latents by activity.",
)
@click.option(
    "--picture", type=click.IntRange(min=0), help="Number of the set's picture to start from; 0 is the first."
)
@click.option(
    "--rows", type=click.IntRange(min=1), default=8, show_default=True, help="Largest number of latents, a row each."
)
@click.option(
    "--columns", type=click.IntRange(min=2), default=7, show_default=True, help="Number of positions of each latent."
)
@click.option(
    "--reach",
    type=float,
    default=3.0,
    show_default=True,
    help="Range of each latent, in standard deviations of the prior.",
)
@click.option(
    "--level", type=click.IntRange(min=0), default=0, show_default=True, help="Level of a ladder; 0 is the coarsest."
)
@click.option("--axes", help="Names of latents, such as z3,z7. Default: the most active ones.")
@of.output("traversal.png")
@of.condition
@of.seed
@of.common
def traverse(
    name: str,
    file: Path | None,
    data: str | None,
    number: int,
    picture: int | None,
    rows: int,
    columns: int,
    reach: float,
    level: int,
    axes: str | None,
    output: Path,
    condition: tuple[str, ...],
    seed: int,
    weights: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw the effect of each latent of the model NAME, the most active ones first.

    Each row moves one latent. The others stay at the prior's centre, or at the latents of an image: FILE, or one of the
    data set.
    """
    from vaezoo.cli.figure import fit
    from vaezoo.figures import traverse as draw

    if file and picture is not None:
        raise ConfigError(f"Expected a file or --picture, got both: {file} and {picture}.", value=picture)
    if picture is not None and data is None:
        raise ConfigError(f"Expected --data with --picture {picture}, got none.", value=picture)
    model = of.load(name, weights, output, overwrite)
    images = labels = None
    if data:
        wanted = number if picture is None else max(number, picture + 1)
        found, labels = of.pictures((), data, wanted, model)
        images = of.stack(found, model)
    start, told = None, of.cond_of(model, None, condition, 1)
    if file:
        start = fit(of.pictures((file,), None, 1, model)[0][0], model)
    elif picture is not None and images is not None:
        one = _one_of(images, picture, data)
        start, label = images[one], None if labels is None else labels[one]
        told = of.cond_of(model, label, condition, 1)
    images_cond = None if images is None else of.cond_of(model, labels, condition, len(images))
    sheet = draw(
        model, start, images=images, rows=rows, columns=columns, reach=reach, level=level,
        axes=tuple(axes.split(",")) if axes else None, cond=told, images_cond=images_cond, seed=seed,
    )  # fmt: skip
    of.finish(sheet, output, overwrite, as_json, name, f"{len(sheet.rows)} of {sheet.facts['latents']} latents")


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, type=of.FILE)
@of.data("A data set, folder or zip, instead of files. Default: the card's, or fashion-mnist.")
@click.option(
    "--pictures", default="0,1", show_default=True, help="Numbers of the set's pictures: start,end,start,end and so on."
)
@click.option(
    "--columns", type=click.IntRange(min=2), default=8, show_default=True, help="Number of points between two pictures."
)
@click.option("--linear", is_flag=True, help="Interpolate along straight lines instead of the prior's own paths.")
@of.output("interpolation.png")
@of.condition
@of.common
def interpolate(
    name: str,
    files: tuple[Path, ...],
    data: str | None,
    pictures: str,
    columns: int,
    linear: bool,
    output: Path,
    condition: tuple[str, ...],
    weights: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw interpolations between images through the latents of the model NAME.

    The images are FILES, two for each interpolation, or some of a data set's test split.
    """
    from vaezoo.figures import interpolate as draw

    wanted = list(range(len(files))) if files else _numbers(pictures)
    if len(wanted) % 2 or not wanted:
        raise ConfigError(
            f"Expected two images for each interpolation, got {len(wanted)}.", hint="Give another.", value=len(wanted)
        )
    model = of.load(name, weights, output, overwrite)
    found, labels = of.pictures(files, data, max(wanted) + 1, model)
    images = of.stack(found, model)
    for index in wanted:
        _one_of(images, index, data or of.DATA)
    ends = []
    for side in (wanted[::2], wanted[1::2]):
        ends.append((images[side], of.cond_of(model, None if labels is None else labels[side], condition, len(side))))
    (start, start_cond), (end, end_cond) = ends
    sheet = draw(model, start, end, columns=columns, linear=linear, start_cond=start_cond, end_cond=end_cond)
    of.finish(sheet, output, overwrite, as_json, name, f"{len(start)} ways of {columns} points")


@click.command()
@click.argument("name")
@of.data("A data set, folder or zip. Default: the card's, or fashion-mnist.")
@click.option("-n", "number", type=click.IntRange(min=3), default=2000, show_default=True, help="Number of images.")
@of.output("latents.png")
@of.condition
@of.common
def latents(
    name: str,
    data: str | None,
    number: int,
    output: Path,
    condition: tuple[str, ...],
    weights: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw a map of the latents of images under the model NAME, by their first two principal components.

    The images are the first ones of a data set's test split, coloured by label if it has labels.
    """
    from vaezoo.figures import latents as draw

    model = of.load(name, weights, output, overwrite)
    found, labels = of.pictures((), data, number, model)
    images = of.stack(found, model)
    projection = draw(model, images, labels=labels, cond=of.cond_of(model, labels, condition, len(images)))
    of.finish(projection, output, overwrite, as_json, name, f"{len(images)} images")


def _one_of(images: object, index: int, data: str | None) -> slice:
    """Returns the slice of one image."""
    there = len(images)  # type: ignore[arg-type]
    if index >= there:
        raise ConfigError(f"Expected a picture from 0 to {there - 1} of {data}, got {index}.", value=index)
    return slice(index, index + 1)


def _numbers(text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise ConfigError(f"Expected numbers of pictures such as 0,1, got {text!r}.", value=text)
    return [int(word) for word in words]
