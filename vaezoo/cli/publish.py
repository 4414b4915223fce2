"""``publish``: publishes weights with their card and a page."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vaezoo.cli.options import trust_code

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("publish")
@click.argument("source", metavar="NAME|FOLDER")
@click.option(
    "--to", required=True, metavar="DIR|hf://ORG/REPO[@REVISION]", help="Folder or hub repository to publish to."
)
@click.option("--as", "name", default="", metavar="ARCH.TAG", help="Name for the weights of a saved folder.")
@click.option("--card", type=_FILE, help="YAML file with fields of the card: licence, data, recipe …")
@click.option("--url", "urls", multiple=True, help="Further URL of the weights; may be given several times.")
@click.option("--overwrite", is_flag=True, help="Replace files of an existing folder.")
@trust_code
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def publish(
    source: str,
    to: str,
    name: str,
    card: Path | None,
    urls: tuple[str, ...],
    overwrite: bool,
    private: bool,
    as_json: bool,
) -> None:
    """Publish the weights NAME, or those that vaezoo.save wrote into FOLDER, with card and README."""
    from vaezoo.files.yaml import read_yaml
    from vaezoo.publish.publish import publish as run

    place = run(
        source,
        to,
        name=name,
        card=read_yaml(card) if card else None,
        urls=urls,
        overwrite=overwrite,
        private=private,
    )
    click.echo(json.dumps({"published": place}) if as_json else f"Published: {place}")
