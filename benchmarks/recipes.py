"""``python -m benchmarks.recipes``: writes the table of a recipe's keys in docs/train.md, from the recipe's source."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import click

from benchmarks.pages.blocks import between

PAGE = Path(__file__).parents[1] / "docs/train.md"
FIELD = re.compile(r"^    (\w+): .*?(?:  # (.*))?$", re.M)


def described() -> list[tuple[str, Any, str]]:
    """Returns every key of a recipe, dotted, its default, and what the source says of it."""
    from vaezoo.train import recipe

    defaults = recipe.flatten(recipe.recipe_dict(recipe.Recipe()))
    sections = {
        "": recipe.Recipe,
        "data.": recipe.DataRecipe,
        "optimizer.": recipe.OptimizerRecipe,
        "machine.": recipe.MachineRecipe,
    }
    told = {
        prefix + name: meaning
        for prefix, section in sections.items()
        for name, meaning in FIELD.findall(inspect.getsource(section))
    }
    return [(key, default, told[key]) for key, default in defaults.items()]


def table() -> str:
    """Returns the keys, in Markdown."""
    rows = "| key | default | |\n|---|---|---|\n"
    for key, default, meaning in described():
        shown = "" if default in ("", []) else f"`{default if isinstance(default, str) else json.dumps(default)}`"
        rows += f"| `{key}` | {shown} | {meaning} |\n"
    return rows


@click.command()
def main() -> None:
    """Write the table of a recipe's keys."""
    PAGE.write_text(between(PAGE.read_text(encoding="utf-8"), "keys", table()), encoding="utf-8")


if __name__ == "__main__":
    main()
