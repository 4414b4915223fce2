"""``vaezoo licences``: lists the licences of weights and of their data."""

from __future__ import annotations

import json
from typing import Any

import click

from vaezoo import list_models, model_info

from .policy import allowed, refusal


@click.command("licences")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def licences(as_json: bool) -> None:
    """List the licences of weights and of their training data, and whether you accept them."""
    names, rows = allowed(), list[dict[str, Any]]()
    for model in list_models(pretrained=True):
        for card in model_info(model)["weights"].values():
            data = {str(each.get("set") or each.get("name")): str(each.get("licence")) for each in card["data"]}
            allows = refusal(card["licence"], names) is None
            rows.append({"name": model, "licence": card["licence"], "data": data, "allowed": allows})
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    table = [("WEIGHTS", "LICENCE", "ALLOWED", "DATA")]
    table += [
        (
            r["name"],
            r["licence"],
            "yes" if r["allowed"] else "no",
            ", ".join(f"{n} ({t})" for n, t in r["data"].items()),
        )
        for r in rows
    ]
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    for row in table:
        click.echo("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]))
