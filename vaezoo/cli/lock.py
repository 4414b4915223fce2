"""``lock``: writes a lock file, and checks models against it. No torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from vaezoo.cli.listing import columns
from vaezoo.errors import LockMismatch, VaezooError
from vaezoo.zoo.lock import NAME, Lock, write_lock


@click.command("lock")
@click.argument("names", nargs=-1)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=NAME, show_default=True, help="Path of the lock."
)
@click.option("--check", is_flag=True, help="Print what differs from the lock, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def lock(names: tuple[str, ...], output: Path, check: bool, as_json: bool) -> None:
    """Lock the hash, all settings and the plugins' versions of NAMES. Without names, of all weights.

    With NAMES, an existing lock keeps its other entries. Without, it is written anew.

    vaezoo.create(..., lock=True), or VAEZOO_LOCK=1, then refuses what has changed.
    """
    if check:
        _check(Lock(output), names, as_json)
    found = write_lock(output, names)
    if as_json:
        click.echo(json.dumps({"lock": str(output), "models": found}, indent=1))
        return
    click.echo(
        columns([(name, f"{e['sha256'][:12]}…" if "sha256" in e else "no weights") for name, e in found.items()])
    )
    click.echo(f"Written to {output}.")


def _check(lock: Lock, names: tuple[str, ...], as_json: bool) -> None:
    """Prints the differences and ends the command. A model that can no longer be made also differs."""
    rows: list[dict[str, Any]] = []
    for name in names or lock.models:
        try:
            differences = lock.differences(name)
        except VaezooError as error:
            differences = [str(error)]
        rows.append({"name": name, "ok": not differences, "differences": differences})
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        click.echo(columns([(r["name"], "ok" if r["ok"] else "CHANGED", "; ".join(r["differences"])) for r in rows]))
    sys.exit(0 if all(row["ok"] for row in rows) else LockMismatch.exit_code)
