"""``plugins``: who has moved in, and why somebody could not."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from ..errors import UnknownName, suggest
from ..zoo import keeper
from ..zoo import plugins as all_plugins
from ..zoo.registry import SLOTS
from .shelf import columns, tree


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


@plugins.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def show(name: str, as_json: bool) -> None:
    """Show what one plugin brought: its parts, its models, or why it is not there."""
    found = {p.name: p for p in all_plugins()}
    matches = [p for n, p in found.items() if name in (n, n.rpartition(":")[2])]
    if not matches:
        raise UnknownName(f"Expected a plugin, got {name!r}.", hint=suggest(name, found), value=name)
    registry = keeper().registry
    answer = [
        {
            **asdict(plugin),
            "parts": [f"{slot} {n}" for slot in SLOTS for n, o, _ in registry.parts[slot].all() if o == plugin.name],
            "models": [n for n, o, _ in registry.models.all() if o == plugin.name],
        }
        for plugin in matches
    ]
    click.echo(json.dumps(answer, indent=1) if as_json else "\n".join(tree(entry) for entry in answer))


@plugins.command("new")
@click.argument("target")
def new(target: str) -> None:
    """Write a new plugin's distribution: TARGET is its name, or a folder to make."""
    from ..zoo.template import write_plugin

    for path in write_plugin(target):
        click.echo(path)
