"""``python -m benchmarks.pages.parts``: the page of all parts and their parameters, from their configurations."""

from __future__ import annotations

import sys
from dataclasses import MISSING
from pathlib import Path

import click

from vaezoo.host.manager import current_zoo
from vaezoo.registry.entries import HOUSE
from vaezoo.registry.parameters import parameters_of
from vaezoo.zoo.info import SECTIONS, declared_info

PAGE = Path(__file__).parents[2] / "docs/parts.md"
HEAD = """# The parts
Every part that ships, and its parameters, written by `python -m benchmarks.pages.parts` from the parts' configurations.
`vaezoo info encoder/conv` tells the same of one; [add a model](add-a-model.md) shows how to put them together.
"""


def page() -> str:
    """Returns the whole page."""
    registry, text = current_zoo().registry, HEAD
    for plural, slot in SECTIONS.items():
        for name, owner, part in registry.parts[slot].all() if slot in registry.parts else ():
            if owner.partition(":")[0] != HOUSE:  # what else is installed here is not ours to list
                continue
            text += f"\n## {plural.capitalize()}\n" if f"## {plural.capitalize()}\n" not in text else ""
            text += f"\n### {slot} `{name}`\n{part.summary}\n"
            rows = declared_info(slot, f"{owner}/{name}")["parameters"]
            defaults = {key: each.default for key, each in parameters_of(part).items()}
            cells = [(f"`{key}`", row["type"], _default(defaults[key]), row["help"]) for key, row in rows.items()]
            lines = [f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |" for line in cells]
            text += "\n| parameter | type | default | what it is |\n|---|---|---|---|\n" if lines else ""
            text += "".join(f"{line}\n" for line in lines)
    return text


def _default(value: object) -> str:
    """Returns a default as Python, or a dash where there is none."""
    return "–" if value is MISSING else f"`{value!r}`"


@click.command()
@click.option("--check", is_flag=True, help="Only say whether it is up to date.")
def main(check: bool) -> None:
    """Write the page of all parts."""
    new = page()
    if check:
        sys.exit(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != new)
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
