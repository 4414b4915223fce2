"""``card`` and ``calibrate``: adding trained weights to a plugin, with a card, and calibrating their errors."""

from __future__ import annotations

import json
from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_REGISTRY = click.option(
    "--registry", type=_FILE, default="registry.yaml", show_default=True, help="Registry file that holds the card."
)


@click.command("card")
@click.argument("run", type=_FOLDER)
@click.option("--tag", required=True, help="Tag of the weights; their name is MODEL.TAG.")
@_REGISTRY
@click.option("--package", type=_FOLDER, help="Package that ships the weights. Default: the registry file's folder.")
@click.option("--licence", default="CC0-1.0", show_default=True, help="SPDX identifier of the weights' licence.")
@click.option("--recipe", default="", help="Name or path of the recipe. Default: the model's name.")
@click.option("--stage", default="", help="Stage of the recipe that the run is. Default: the last one.")
@click.option("--half/--full", default=False, help="Half or full precision of the stored weights.")
@click.option("--command", "how", default="", help="Command that trained the weights. Default: vaezoo train RECIPE.")
@click.option(
    "--nll", default=100, show_default=True, help="Importance samples of a binary likelihood; 0 for the bound alone."
)
@click.option("--notes", default="", help="Further remarks on the card.")
@click.option("--json", "as_json", is_flag=True, help="Print the card as JSON.")
def card(
    run: Path,
    tag: str,
    registry: Path,
    package: Path | None,
    licence: str,
    recipe: str,
    stage: str,
    half: bool,
    how: str,
    nll: int,
    notes: str,
    as_json: bool,
) -> None:
    """Copy the weights of a run, in the folder RUN, into a plugin's package, measure them, and write their card.

    The model must be installed or registered. Test sets are looked for in the folders of $VAEZOO_DATA.
    """
    from vaezoo.release.card import Release, release

    said = Release(tag, licence, recipe, stage, half, how, nll, notes)
    name, written = release(run, said, registry, package or registry.resolve().parent)
    text = f"{name}: {written['size_bytes'] / 2**20:.2f} MiB, {written['scores']}"
    click.echo(json.dumps({name: written}, indent=1) if as_json else text)


@click.command("calibrate")
@click.argument("name")
@_REGISTRY
@click.option("--data", default="cid22-valid", show_default=True, help="Set that the weights were not trained on.")
def calibrate(name: str, registry: Path, data: str) -> None:
    """Fit the calibration of the weights NAME, given as arch.tag, and write it on their card."""
    from vaezoo.release.calibrate import calibrate as run

    click.echo(f"{name}: {run(name, registry, data)}")
