"""``plugins``: lists, shows, checks and creates plugins."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from vaezoo.cli.listing import columns, tree
from vaezoo.errors import BackendUnavailable, PluginError, UnknownName, suggest
from vaezoo.host.hookspecs import ACTING
from vaezoo.host.manager import Plugin, current_zoo
from vaezoo.host.manager import plugins as all_plugins
from vaezoo.host.template import kinds_of_plugin, write_plugin
from vaezoo.registry.declared import SLOTS
from vaezoo.registry.kinds import KINDS


@click.group("plugins")
def plugins() -> None:
    """Manage plugins."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def list_plugins(as_json: bool) -> None:
    """List plugins with their status, and the cause if one does not load."""
    found = all_plugins()
    if as_json:
        click.echo(json.dumps([asdict(plugin) for plugin in found], indent=1))
        return
    rows = [(p.name, p.version, p.status, p.cause or (f"note: {p.note}" if p.note else "")) for p in found]
    click.echo(columns([("PLUGIN", "VERSION", "STATUS", "CAUSE"), *rows]))


@plugins.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show a plugin's parts and models, or why it does not load."""
    matches = _named(name)
    registry = current_zoo().registry
    answer = [
        {
            **asdict(plugin),
            "parts": [f"{slot} {n}" for slot in SLOTS for n, o, _ in registry.parts[slot].all() if o == plugin.name],
            "models": [n for n, o, _ in registry.models.all() if o == plugin.name],
            "weights": [n for n, o, _ in registry.cards.all() if o == plugin.name],
            **{
                kind.section: names
                for kind in KINDS.values()
                if (names := [n for n, o, _ in registry.kinds[kind.name].all() if o == plugin.name])
            },
            "schemes": [n for n, o, _ in registry.schemes.all() if o == plugin.name],
            "verbs": [n for n, o, _ in registry.verbs.all() if o == plugin.name],
            "acts": [
                h.removeprefix("vaezoo_")
                for h in ACTING
                for n, _ in current_zoo().implementations(h)
                if n == plugin.name
            ],
        }
        for plugin in matches
    ]
    click.echo(json.dumps(answer, indent=1) if as_json else "\n".join(tree(entry) for entry in answer))


def _named(name: str) -> list[Plugin]:
    """Returns the plugins with a full name or an entry point's name.

    Raises:
        UnknownName: No plugin has the name.
    """
    found = {p.name: p for p in all_plugins()}
    matches = [p for p in found.values() if name in (p.name, p.short)]
    if not matches:
        raise UnknownName(f"Expected a plugin, got {name!r}.", hint=suggest(name, found), value=name)
    return matches


@plugins.command("check")
@click.argument("name")
@click.option("--models", is_flag=True, help="Check also the models in its vaezoo_conformance_cases.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(name: str, models: bool, as_json: bool) -> None:
    """Check a plugin against the contract, in a separate process. Exit code 7 if a check fails."""
    matches = _named(name)
    if len(matches) > 1:
        whole = " or ".join(p.name for p in matches)
        raise UnknownName(f"Several plugins are called {name!r}.", hint=f"Say {whole}.", value=name)
    checks = _checked(matches[0].name, models)
    failed = [c for c in checks if c["outcome"] == "failed"]
    if as_json:
        click.echo(json.dumps({"plugin": matches[0].name, "ok": not failed, "checks": checks}, indent=1))
    else:
        rows = [(c["subject"], c["check"], c["outcome"], c["cause"] or c["sentence"]) for c in checks]
        click.echo(columns([("OF", "CHECK", "OUTCOME", "WHY"), *rows]))
        click.echo(f"{len(checks) - len(failed)} of {len(checks)} checks hold.")
    sys.exit(PluginError.exit_code if failed else 0)


def _checked(name: str, models: bool) -> list[dict[str, str]]:
    if importlib.util.find_spec("pytest") is None:
        raise BackendUnavailable("Checking a plugin needs pytest.", hint="pip install pytest", value=name)
    with tempfile.TemporaryDirectory(prefix="vaezoo-") as folder:
        answer = Path(folder, "checks.json")
        command = [sys.executable, "-m", "vaezoo.testing.check", name, str(answer), *(["--models"] if models else [])]
        one_thread = {"OMP_NUM_THREADS": "1", **os.environ}  # more are slower for such small models
        done = subprocess.run(command, capture_output=True, text=True, env=one_thread)
        checks: list[dict[str, str]] = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else []
    if not checks:
        said = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise PluginError(f"The plugin {name} ended the process that was to check it: {said}", value=name)
    return checks


@plugins.command("new")
@click.argument("target")
@click.option("--kind", type=click.Choice(kinds_of_plugin()), default="model", help="What it brings. Default: a model.")
def new(target: str, kind: str) -> None:
    """Write the files of a new plugin. TARGET is its name, or a folder to create."""
    for path in write_plugin(target, kind):
        click.echo(path)
