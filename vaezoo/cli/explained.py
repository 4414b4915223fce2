"""An explained model as text: a tree of at most about 100 columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

Node = tuple[str, Sequence[Any]]
"""A line of a tree, with the nodes below it."""
FOUND = {"package": "in an installed package", "file": "in a file", "cache": "in the cache", "seed": "in a seed cache"}
TOTALS = {
    "restore": "restore (mean path)",
    "further_sample": "each further sample",
    "training_forward": "training, forward",
}


def drawn(nodes: Sequence[Node], before: str = "") -> list[str]:
    """Draws nodes as lines with branches."""
    lines = []
    for index, (text, under) in enumerate(nodes):
        last = index == len(nodes) - 1
        lines += [f"{before}{'└─ ' if last else '├─ '}{text}".rstrip()]
        lines += drawn(under, before + ("   " if last else "│  "))
    return lines


def aligned(rows: Iterable[tuple[str, ...]], right: Iterable[int] = ()) -> list[str]:
    """Aligns rows in columns of at most 40, the last one ragged. Columns in ``right`` are right-aligned."""
    rows, right = list(rows), set(right)
    if not rows:
        return []
    widths = [min(40, max(len(row[i]) for row in rows)) for i in range(len(rows[0]) - 1)]
    cells = (
        [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(r, widths, strict=False))]
        for r in rows
    )
    return ["  ".join([*start, row[-1]]).rstrip() for start, row in zip(cells, rows, strict=True)]


def by(shape: Sequence[int | str]) -> str:
    """Returns a shape as text, such as 3×64×64."""
    return "×".join(map(str, shape))


def short(number: float) -> str:
    """Returns a number to four digits with k, M, G or T."""
    for power, letter in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= power:
            return f"{number / power:.4g}{letter}"
    return f"{number:.4g}"


def text_of(tree: dict[str, Any]) -> str:
    """Returns the result of :func:`vaezoo.explain` as text."""
    nodes: list[Node] = [
        (f"declared by {tree['declared'].replace(tree['owner'], tree['owner'] + _version(tree), 1)}", ()),
        (f"task {tree['task']}", ()),
        (f"encodes the {tree['encodes']['value']}  ← {tree['encodes']['origin']}", ()),
    ]
    nodes += [_part(slot, tree[slot]) for slot in ("conditioner", "encoder", "prior", "decoder", "loss")]
    nodes += [_part("refine", tree["refine"])] if tree["refine"] else []
    nodes += [_shapes(tree["shapes"])]
    if "cost" in tree:
        nodes.append(_cost(tree["cost"]))
    nodes += [
        _weights(tree["weights"]),
        (
            "environment" + ("" if tree["environment"] else ": nothing is set that matters here"),
            _leaves(aligned((f"{name}", value) for name, value in tree["environment"].items())),
        ),
        ("checks", _leaves(f"{'✓' if check['ok'] else '✗ NOT SO:'} {check['asks']}" for check in tree["checks"])),
        ("in Python", ()),
    ]
    python = [f"     {line}".rstrip() for line in tree["python"].splitlines()]
    head = textwrap.wrap(f"{tree['name']}: {tree['summary']}", 100)
    return "\n".join([*head, *drawn(nodes), "", *python])


def _leaves(lines: Iterable[str]) -> list[Node]:
    return [(line, ()) for line in lines]


def _version(owner: dict[str, Any]) -> str:
    """Returns distribution and version of an owner, in short form."""
    if owner["version"] is None:
        return ""
    same = owner["owner"].partition(":")[0] == owner["distribution"]
    return f" {owner['version']}" if same else f", {owner['distribution']} {owner['version']}"


def _place(source: dict[str, Any]) -> str:
    """Returns a source file, from its top package on, and the line."""
    if source["file"] is None:
        return source["module"]
    top = source["module"].partition(".")[0]
    file = source["file"].replace("\\", "/")
    file = file[max(file.rfind(f"/{top}/"), file.rfind(f"/{top}.py")) + 1 :]
    return file if source["line"] is None else f"{file}:{source['line']}"


def _part(slot: str, part: dict[str, Any] | None) -> Node:
    if part is None:
        return f"{slot}: none", ()
    called = part["target"].partition(":")[2] or part["target"]
    rows = [
        (name, json.dumps(value["value"], ensure_ascii=False), f"← {value['origin']}")
        for name, value in part["params"].items()
    ]
    where = f"{called}, {_place(part['source'])}, by {part['owner']}{_version(part)}"
    return f"{slot}: {part['name']}  ← {part['origin']}", _leaves([where, *aligned(rows)])


def _shapes(shapes: dict[str, Any]) -> Node:
    if shapes["size"] is None:
        head = f"shapes of one picture of H×W, padded to multiples of {shapes['stride']}"
    else:
        head = f"shapes of one picture of {by(shapes['size'])}"
        head += "" if shapes["padded"] == shapes["size"] else f", padded to {by(shapes['padded'])}"
    rows = [("picture", by(shapes["picture"]))]
    if shapes["features"]:
        rows.append(("context, features", ", ".join(map(by, shapes["features"]))))
    if shapes["vector"]:
        rows.append(("context, vector", str(shapes["vector"])))
    if shapes["belief"]:
        rows.append((f"belief, {shapes['belief']['kind']}", ", ".join(map(by, shapes["belief"]["shapes"]))))
    rows += [
        ("state", by(shapes["state"])),
        (f"likelihood, {shapes['likelihood']['kind']}", by(shapes["likelihood"]["shape"])),
    ]
    return head, _leaves(aligned(rows))


def _cost(cost: dict[str, Any]) -> Node:
    rows = [("", "parameters", "macs", "macs_per_pixel", "gives")]

    def row(label: str, of: dict[str, Any]) -> None:
        parameters = short(of["parameters"]) if "parameters" in of else ""
        rows.append((label, parameters, short(of["macs"]), short(of["macs_per_pixel"]), _gives(of.get("shapes") or {})))

    for name, stage in cost["stages"].items():
        row(name, stage)
        for label, child in stage["children"].items():
            row(f"  {label}", child)
    for name, total in cost["totals"].items():
        row(TOTALS[name], total)
    padded = "" if cost["padded"] == cost["size"] else f", padded to {by(cost['padded'])}"
    head = f"cost of one picture of {by(cost['size'])}{padded}; {short(cost['parameters'])} parameters"
    return head, _leaves(aligned(rows, right=(1, 2, 3)))


def _gives(shapes: dict[str, list[int]]) -> str:
    """Returns shapes with names. Equal shapes share one entry, and the image that a context passes on is left out."""
    listed, said = [], ""
    for name, shape in shapes.items():
        what = name.partition(".")[0]
        if what == "image" and len(shapes) > 1:
            continue
        listed.append(by(shape) if what in (said, "output") or what.isdecimal() else f"{what} {by(shape)}")
        said = what
    return ", ".join(listed).replace(", state ", " → ")


def _weights(weights: dict[str, Any]) -> Node:
    nodes = []
    for tag, weight in weights.items():
        place = weight["path"] if weight["found"] not in ("package", "absent") else weight["urls"][0]
        found = FOUND.get(weight["found"], "not on this machine")
        head = f"{tag}: {found}, {weight['size_bytes'] / 2**20:.2f} MiB, licence {weight['licence']}"
        nodes.append((head, _leaves([place, f"sha256 {weight['sha256']}"])))
    return "weights" + ("" if weights else ": none"), nodes
