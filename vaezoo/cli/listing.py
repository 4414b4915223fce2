"""``list``, ``info`` and ``explain``: shows models and other declarations. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from vaezoo.cli.options import trust_code
from vaezoo.errors import ConfigError, UnknownName
from vaezoo.host.beliefs import refuse_references
from vaezoo.host.manager import current_zoo
from vaezoo.registry.registry import split_name
from vaezoo.zoo.info import SECTIONS, declared_info, list_declared, list_models, model_info
from vaezoo.zoo.specs import pairs


def columns(rows: list[tuple[str, ...]]) -> str:
    """Returns rows as text in aligned columns, the last one ragged."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    )


@click.command("list")
@click.argument("pattern", default="*")
@click.option("--kind", default="models", help="Kind of what is listed, such as tasks or metrics. Default: models.")
@click.option("--task", help="Only models for this task, such as denoise.")
@click.option("--pretrained", is_flag=True, help="Only weights that ship, as arch.tag.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def list_(pattern: str, kind: str, task: str | None, pretrained: bool, as_json: bool) -> None:
    """List models whose name matches PATTERN (shell wildcards), or other things with --kind."""
    if kind not in ("model", "models"):
        if task or pretrained:
            raise ConfigError("Only models have a task and weights.", hint="Leave --kind out.", value=kind)
        _list_declared(kind, pattern, as_json)
        return
    names = list_models(pattern, task=task, pretrained=pretrained)
    registry = current_zoo().registry
    rows: list[dict[str, Any]] = []
    for name in names:
        model = registry.models.get(split_name(name)[0])
        rows.append(
            {"name": name, "task": model.task, "weights": list(registry.cards_of(model.name)), "summary": model.summary}
        )
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    elif rows:
        lines = [(row["name"], row["task"], ", ".join(row["weights"]) or "-", row["summary"]) for row in rows]
        click.echo(columns([("MODEL", "TASK", "WEIGHTS", "WHAT"), *lines]))
    else:
        click.echo(f"No model matches {pattern!r}.", err=True)


@click.command("info")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def info(name: str, as_json: bool) -> None:
    """Show the declaration of a model with the cards of its weights; or of another thing, as KIND/NAME."""
    found = _info(name)
    click.echo(json.dumps(found, indent=1, default=str) if as_json else tree(found))


def _info(name: str) -> dict[str, Any]:
    kind, _, rest = name.partition("/")
    if rest and kind in {*SECTIONS, *SECTIONS.values()}:
        try:
            return declared_info(kind, rest)
        except UnknownName:
            with suppress(UnknownName):  # a plugin may have the name of a kind
                return model_info(name)
            raise
    return model_info(name)


def _list_declared(kind: str, pattern: str, as_json: bool) -> None:
    rows = list_declared(kind, pattern)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    elif rows:
        lines = [(row["name"], row["owner"], row["summary"]) for row in rows]
        click.echo(columns([("NAME", "OWNER", "WHAT"), *lines]))
    else:
        click.echo(f"Of the {kind} none matches {pattern!r}.", err=True)


class _Size(click.ParamType):
    """Size of an image as height and width, such as 28x28."""

    name = "HxW"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Returns (H, W)."""
        height, _, width = str(value).lower().replace("×", "x").partition("x")
        if not (height.isdecimal() and width.isdecimal()):
            self.fail(f"Expected a size as height and width, such as 28x28, got {value!r}.", param, ctx)
        return int(height), int(width)


@click.command("explain")
@click.argument("name")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--cost", is_flag=True, help="Count parameters and multiply-accumulates of each stage.")
@click.option("--size", type=_Size(), help="Size of the image for shapes and cost. Default: the model's own.")
@trust_code
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def explain(name: str, overrides: tuple[str, ...], cost: bool, size: tuple[int, int] | None, as_json: bool) -> None:
    """Show a model in full: each part, each value with its origin, and the equivalent Python."""
    from vaezoo.inspection.explanation import explain as explain_model

    refuse_references(dict(pairs(overrides)), "The command")
    found = explain_model(name, overrides=overrides, size=size, cost=cost)
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    from vaezoo.cli.explained import text_of

    click.echo(text_of(found))


def tree(value: Any, indent: int = 0) -> str:
    """Returns nested mappings and lists as indented text."""
    pad = "  " * indent
    lines = []
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            lines += [f"{pad}{key}:", tree(item, indent + 1)]
        elif isinstance(item, list) and item and isinstance(item[0], Mapping):
            lines += [
                f"{pad}{key}:",
                *(f"{pad}  - " + ", ".join(f"{k} {v}" for k, v in entry.items()) for entry in item),
            ]
        elif isinstance(item, list):
            lines.append(f"{pad}{key}: {', '.join(map(str, item)) or '-'}")
        else:
            lines.append(f"{pad}{key}: {'-' if item in (None, '', {}) else item}")
    return "\n".join(lines)
