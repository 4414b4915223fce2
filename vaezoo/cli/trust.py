"""``verify``, ``doctor`` and ``schema``: checks of weights and of the installation."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from typing import Any

import click

from vaezoo.cli.listing import columns
from vaezoo.errors import OfflineError, ProbeMismatch, VaezooError
from vaezoo.host.manager import current_zoo
from vaezoo.host.manager import plugins as all_plugins
from vaezoo.registry.registry import split_name
from vaezoo.zoo.info import list_models

PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "pluggy",
    "omegaconf",
    "safetensors",
    "numpy",
    "pyvips",
    "pillow",
    "matplotlib",
)


@click.command("verify")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Verify all weights on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Check weights against their cards: the file's sha256, and the output for a seeded input."""
    if not names and not everything:
        raise click.UsageError("Name a model, or give --all.")
    found, worst = [], 0
    for name in list_models(pretrained=True) if everything else names:
        try:
            found.append(_verify(name) if not everything or is_here(name) else _absent(name))
        except VaezooError as error:
            found.append({"name": name, "ok": False, "cause": str(error), "code": error.code})
            worst = max(worst, error.exit_code)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        words = {True: "ok", False: "FAILED", None: "absent"}
        click.echo(columns([(f["name"], words[f["ok"]], f["cause"]) for f in found]))
    sys.exit(worst)


def is_here(name: str) -> bool:
    """Says whether the weights ``arch.tag`` are on this machine, intact or not."""
    from vaezoo.zoo.weights import locate, pick

    arch, tag = split_name(name)
    try:
        locate(pick(current_zoo().registry, arch, tag), fetch=False)
    except OfflineError:
        return False
    except VaezooError:
        return True
    return True


def _absent(name: str) -> dict[str, Any]:
    return {"name": name, "ok": None, "cause": f"not on this machine: vaezoo fetch {name}"}


def _verify(name: str) -> dict[str, Any]:
    from vaezoo.zoo.create import create
    from vaezoo.zoo.probe import agrees, probe

    model = create(name, pretrained=True)
    report = model.origin.weights
    output = probe(model) if report.card.probe else ()
    if not agrees(output, report.card.probe):
        raise ProbeMismatch(
            f"The weights {report.card.name!r} have the right hash, but give {list(output)} "
            f"where their card says {list(report.card.probe)}.",
            hint="The code has changed since they were trained: report it.",
            value=list(output),
        )
    return {
        "name": report.card.name,
        "ok": True,
        "cause": f"sha256 {report.sha256[:12]}… " + ("and output agree" if output else "agrees; its card has no probe"),
        "sha256": report.sha256,
    }


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def doctor(as_json: bool) -> None:
    """Check the installation: Python, packages, plugins, weights."""
    rows: list[tuple[str, str, str]] = [("python", "ok", platform.python_version())]
    for package in PACKAGES:
        try:
            rows.append((package, "ok", importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            rows.append((package, "missing", "pip install " + package))
    rows += [(f"plugin {p.name}", p.status, p.cause) for p in all_plugins()]
    rows += _weights()
    bad = [row for row in rows if row[1] not in ("ok", "disabled", "absent")]
    if as_json:
        click.echo(json.dumps([dict(zip(("what", "status", "detail"), row, strict=True)) for row in rows], indent=1))
    else:
        click.echo(columns([("WHAT", "STATUS", "DETAIL"), *rows]))
        click.echo("All is well." if not bad else f"{len(bad)} things need care.")
    sys.exit(1 if bad else 0)


def _weights() -> list[tuple[str, str, str]]:
    from vaezoo.zoo.weights import locate

    rows = []
    for name, _, card in current_zoo().registry.cards.all():
        try:
            _path, content = locate(card, fetch=False)
            rows.append((f"weights {name}", "ok", f"{len(content) / 2**20:.1f} MiB"))
        except OfflineError:
            rows.append((f"weights {name}", "absent", f"vaezoo fetch {name}"))
        except VaezooError as error:
            rows.append((f"weights {name}", "failed", str(error)))
    return rows


@click.command("schema")
def schema() -> None:
    """Print the JSON Schema of registry files, for an editor or another tool."""
    from vaezoo.registry.declared import registry_schema

    click.echo(json.dumps(registry_schema(), indent=1))
