"""``python -m benchmarks.pages.zoo [--check]``: writes docs/zoo.md, all named models, from the registry alone."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

ROOT = Path(__file__).parents[2]
PAGE, PEERS = ROOT / "docs/zoo.md", ROOT / "docs/peers.yaml"
SLOTS = ("conditioner", "encoder", "prior", "decoder", "loss")
PLAIN = {"bernoulli", "gaussian"}
FAMILIES = {
    "bound": "The bound, under the plainest parts",
    "loss": "Other losses",
    "belief": "Other posteriors",
    "prior": "Other priors",
    "likelihood": "Other likelihoods",
    "codes": "Codebooks",
    "ladder": "Ladders",
    "point": "Points instead of posteriors",
    "condition": "Told something: labels, styles, pictures",
    "restore": "Better pictures",
}
HEAD = """# The zoo
Every named model that ships, written by `python -m benchmarks.pages.zoo` from the registry files. `vaezoo explain NAME`
tells more of one; any part can be replaced, as in `vaezoo.create("mlp-vae", prior="vamp")`. A model stands under the
first of its parts that is not the plainest. Parts are as declared: what is not said has its default.
"""
TABLE = """| model | what it is | paper | parts | how it differs from the paper | weights |
|---|---|---|---|---|---|
"""


def family(spec: Any) -> str:
    """Returns the key in ``FAMILIES`` of a resolved model."""
    facts = {slot: part and part.facts for slot, part in spec.parts.items()}
    tests = (
        ("restore", spec.model.task != "generate"),
        ("condition", facts["conditioner"] is not None),
        ("ladder", "pyramid" in facts["prior"].takes),
        ("codes", facts["prior"].rates_points),
        ("point", facts["encoder"] is not None and facts["encoder"].belief == "dirac"),
        ("prior", spec.parts["prior"].part.name != "normal"),
        ("belief", "refine" in spec.model.body or (facts["encoder"] and facts["encoder"].belief != "gaussian")),
        ("likelihood", facts["decoder"].likelihood not in PLAIN),
        ("loss", spec.parts["loss"].part.name != "elbo"),
    )
    return next((name for name, true in tests if true), "bound")


def told(body: Mapping[str, Any]) -> str:
    """Returns a model's parts as declared, one a line of a table's cell."""
    lines = []
    for slot in SLOTS:
        part = body.get(slot)
        if part is not None:
            settings = {k: v for k, v in part.items() if k != "name"} if isinstance(part, Mapping) else {}
            name = part["name"] if isinstance(part, Mapping) else part
            inside = ", ".join(f"{key} {_short(value)}" for key, value in settings.items())
            lines.append(f"{slot} **{name}**" + (f" ({inside})" if inside else ""))
    shared = ", ".join(f"{key} {_short(value)}" for key, value in body.get("shared", {}).items())
    return "<br>".join([*lines, f"shared: {shared}"] if shared else lines)


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "×".join(map(_short, value)) if all(isinstance(v, int) for v in value) else ", ".join(map(_short, value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} {_short(inner)}" for key, inner in value.items()) + "}"
    return str(value)


def rows() -> dict[str, list[str]]:
    """Returns the table's lines by family."""
    from vaezoo.host.manager import current_zoo
    from vaezoo.registry.entries import HOUSE
    from vaezoo.zoo.specs import resolve

    registry = current_zoo().registry
    lines: dict[str, list[str]] = {key: [] for key in FAMILIES}
    for name, owner, model in sorted(registry.models.all(), key=lambda entry: entry[0]):
        if owner.partition(":")[0] != HOUSE:  # what else is installed here is not ours to list
            continue
        weights = "<br>".join(f"`{c.name}`, {c.size_bytes / 2**20:.1f} MiB" for c in registry.cards_of(name).values())
        cells = (
            f"`{name}`",
            model.summary,
            model.body.get("paper") or "–",
            told(model.body),
            model.body.get("differs") or "–",
            weights or "–",
        )
        lines[family(resolve(registry, name))].append(f"| {' | '.join(c.replace('|', '∣') for c in cells)} |")
    return lines


def counterparts() -> str:
    """Returns the tables of the peers' models and ours."""
    text = ""
    for peer, about in yaml.safe_load(PEERS.read_text(encoding="utf-8")).items():
        text += f"\n### {peer} {about['version']}\n{about['list']}\n\n| theirs | ours |\n|---|---|\n"
        text += "".join(f"| {theirs} | `{ours}` |\n" for theirs, ours in about["models"].items())
    return text


def page() -> str:
    """Returns the whole page."""
    text = HEAD
    for key, lines in rows().items():
        if lines:
            text += f"\n## {FAMILIES[key]}\n{TABLE}" + "\n".join(lines) + "\n"
    return f"{text}\n## Counterparts\nWhat other collections have, and the name of the like here.\n{counterparts()}"


@click.command()
@click.option("--check", is_flag=True, help="Only say whether it is up to date.")
def main(check: bool) -> None:
    """Write the page of all models."""
    new = page()
    if check:
        sys.exit(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != new)
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
