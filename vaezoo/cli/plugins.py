"""``plugins``: who has moved in, and why somebody could not."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from ..zoo import plugins as all_plugins
from .shelf import columns


@click.group("plugins")
def plugins() -> None:
    """Look after plugins."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def list_plugins(as_json: bool) -> None:
    """List plugins with their status and, where one does not load, the cause."""
    found = all_plugins()
    if as_json:
        click.echo(json.dumps([asdict(plugin) for plugin in found], indent=1))
        return
    click.echo(
        columns([("PLUGIN", "VERSION", "STATUS", "CAUSE"), *((p.name, p.version, p.status, p.cause) for p in found)])
    )
