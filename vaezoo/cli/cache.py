"""``fetch`` and ``cache``: downloading weights, and the folder they are kept in. No torch."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import click

from vaezoo.cli.listing import columns
from vaezoo.errors import VaezooError
from vaezoo.host.manager import current_zoo
from vaezoo.registry.entries import HOUSE
from vaezoo.store.store import Blob, Store
from vaezoo.zoo.weights import locate, pick

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.command("fetch")
@click.argument("names", nargs=-1, required=True)
@as_json_option
def fetch(names: tuple[str, ...], as_json: bool) -> None:
    """Download the weights of models, as arch or arch.tag, and print their paths."""
    found: list[dict[str, Any]] = []
    worst = 0
    for name in names:
        try:
            arch, _, tag = name.partition(".")
            registry = current_zoo().registry
            card = pick(registry, registry.models.get(arch).name, tag or None)
            path, content = locate(card)
            found.append({"name": card.name, "ok": True, "path": str(path), "size_bytes": len(content)})
        except VaezooError as error:
            found.append({"name": name, "ok": False, "cause": str(error), "code": error.code})
            worst = max(worst, error.exit_code)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        click.echo(columns([(f["name"], "ok" if f["ok"] else "FAILED", f.get("path") or f["cause"]) for f in found]))
    sys.exit(worst)


@click.group("cache")
def cache() -> None:
    """Manage the folder of downloaded weights."""


@cache.command("path")
@as_json_option
def path_(as_json: bool) -> None:
    """Print its path. VAEZOO_HOME changes it."""
    store = Store()
    answer = {"path": str(store.folder), "seeds": [str(folder) for folder in store.seeded]}
    click.echo(json.dumps(answer, indent=1) if as_json else answer["path"])


@cache.command("ls")
@as_json_option
def ls(as_json: bool) -> None:
    """List its content, without checking hashes again. A changed file is detected when it is used."""
    names = _names()
    rows: list[dict[str, Any]] = [
        {
            "sha256": blob.sha256,
            "names": names.get(blob.sha256, sorted(blob.cards.values())),
            "size_bytes": blob.size_bytes,
            "status": blob.status,
            "verified": blob.verified,
        }
        for blob in Store().blobs()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    elif rows:
        table: list[tuple[str, ...]] = [
            (f"{r['sha256'][:12]}…", _mib(r["size_bytes"]), r["status"], ", ".join(r["names"]) or "-") for r in rows
        ]
        click.echo(columns([("SHA256", "SIZE", "STATUS", "WEIGHTS"), *table]))


@cache.command("prune")
@click.option("--all", "everything", is_flag=True, help="Remove also the weights that a card names.")
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing.")
@as_json_option
def prune(everything: bool, dry_run: bool, as_json: bool) -> None:
    """Remove files that no card names, parts of broken downloads, and files in quarantine.

    Weights of a plugin that is not loaded now are kept, since its cards are unknown.
    """
    store, names, failed = Store(), _names(), 0
    rows: list[dict[str, Any]] = []
    unnamed = [blob for blob in store.blobs() if everything or blob.sha256 not in names]
    kept = {} if everything else {blob.sha256: away for blob in unnamed if (away := _away(blob))}
    chosen = [blob.path for blob in unnamed if blob.sha256 not in kept] + store.dead()
    for path in chosen:
        size = path.lstat().st_size
        try:
            if not dry_run:
                store.remove(path)
            rows.append({"path": str(path), "size_bytes": size})
        except OSError as error:
            click.echo(f"vaezoo: {path} cannot be removed: {error.strerror}.", err=True)
            failed = 1
    for sha256, away in kept.items():
        click.echo(f"vaezoo: {sha256[:12]}… is kept: {away}; --all removes it too.", err=True)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        word = "would be removed" if dry_run else "removed"
        click.echo("\n".join([*(r["path"] for r in rows), f"{_mib(sum(r['size_bytes'] for r in rows))} {word}."]))
    sys.exit(failed)


@cache.command("seed")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@as_json_option
def seed(folder: Path, as_json: bool) -> None:
    """Add every file in FOLDER that is a weight file of some card, whatever its name."""
    store, names, cards = Store(), _names(), list(current_zoo().registry.cards.all())
    rows: list[dict[str, Any]] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        sha256 = _hash(path)
        if sha256 in names:
            new = store.add(path, sha256, {owner: name for name, owner, card in cards if card.sha256 == sha256})
            rows.append({"names": names[sha256], "file": str(path), "new": new})
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    elif rows:
        click.echo(
            columns([(", ".join(r["names"]), "taken" if r["new"] else "there already", r["file"]) for r in rows])
        )
    else:
        click.echo(f"No file in {folder} is a weight that a card names.", err=True)


def _names() -> dict[str, list[str]]:
    """Returns the names of weights by hash."""
    found: dict[str, list[str]] = {}
    for name, _, card in current_zoo().registry.cards.all():
        found.setdefault(card.sha256, []).append(name)
    return found


def _away(blob: Blob) -> str:
    """Returns why a file that no card names may be needed later; empty if no plugin can miss it."""
    plugins = {plugin.name: plugin.status for plugin in current_zoo().plugins}
    away = [owner for owner in blob.cards if owner != HOUSE and plugins.get(owner) != "ok"]
    if away:
        status = plugins.get(away[0], "not installed")
        return f"it is {blob.cards[away[0]]} of the plugin {away[0]}, which is {status}"
    unknown = [name for name, status in plugins.items() if status != "ok"]
    if not blob.cards and unknown:
        return f"it may be of the plugin {unknown[0]}, which is {plugins[unknown[0]]}"
    return ""


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
