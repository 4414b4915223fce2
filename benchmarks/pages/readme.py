"""``python -m benchmarks.pages.readme [--check]``: writes the README's shelf from registry.yaml."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmarks.pages.blocks import between

README = Path(__file__).parents[2] / "README.md"


def shelf() -> str:
    """Returns the table of models and weights that ship, in Markdown."""
    from vaezoo.host.manager import current_zoo
    from vaezoo.registry.entries import HOUSE

    registry = current_zoo().registry
    lines = ["| model | task | weights | what it is |", "|---|---|---|---|"]
    for name, owner, model in registry.models.all():
        if owner != HOUSE:  # the shelf of registry.yaml: what plugins add, vaezoo list tells
            continue
        cards = registry.cards_of(name)
        weights = "<br>".join(
            f"`{card.name}` ({card.size_bytes / 2**20:.1f} MiB, {card.licence})" for card in cards.values()
        )
        lines.append(f"| `{name}` | {model.task} | {weights or '–'} | {model.summary} |")
    return "\n".join(lines) + "\n"


def renewed(text: str) -> str:
    """Returns the README with its shelf as the registry has it."""
    return between(text, "shelf", shelf())


@click.command()
@click.option("--check", is_flag=True, help="Only say whether it is up to date.")
def main(check: bool) -> None:
    """Write the README's shelf."""
    text = README.read_text(encoding="utf-8")
    new = renewed(text)
    if check:
        sys.exit(text != new)
    README.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
