"""``python -m benchmarks.pages.licences``: writes docs/licences.md, from the cards and from what is installed."""

from __future__ import annotations

import re
import sys
from importlib.metadata import metadata
from pathlib import Path

from packaging.requirements import Requirement

from vaezoo.host.manager import current_zoo

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/licences.md"
BUNDLED = {"pyvips": ("pyvips-binary",)}
"""Distributions that an extra of a dependency brings."""
HEAD = """# Licences
Written by `python -m benchmarks.pages.licences`, from the cards and from the metadata of what is installed.

The code is under the Apache License 2.0. Weights are under the licences below, whose texts are in `LICENSES/`; whoever
passes on an adapted version of weights under CC BY-SA 4.0 gives it the same licence. What a model makes of your photo
is yours.

"""


def licence_of(distribution: str) -> str:
    """Returns the licence that a distribution's metadata names, "not stated" where they name none."""
    about = metadata(distribution)
    if about["License-Expression"]:
        return str(about["License-Expression"])
    named = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    return ", ".join(named) or str(about["License"] or "not stated").partition("\n")[0]


def dependencies() -> dict[str, str]:
    """Returns the requirements of vaezoo by name, and the extra that has them: empty for those that all have."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = dict.fromkeys(project["dependencies"], "")
    wanted |= {line: name for name in ("hub", "tensorboard") for line in project["optional-dependencies"][name]}
    found: dict[str, str] = {}
    for line, extra in wanted.items():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            found |= dict.fromkeys((requirement.name, *BUNDLED.get(requirement.name, ())), extra)
    return found


def page() -> str:
    """Returns the page."""
    lines = [HEAD + "## Weights", "| weights | licence | trained on |", "|---|---|---|"]
    for name, _, card in sorted(current_zoo().registry.cards.all()):
        data = ", ".join(f"{each['set']} ({each['licence']})" for each in card.data)
        lines.append(f"| `{name}` | {card.licence} | {re.sub(' +', ' ', data)} |")
    lines += ["", "## What vaezoo needs", "| distribution | licence | for |", "|---|---|---|"]
    for name, extra in sorted(dependencies().items()):
        lines.append(f"| {name} | {licence_of(name)} | {f'`vaezoo[{extra}]`' if extra else 'all'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
