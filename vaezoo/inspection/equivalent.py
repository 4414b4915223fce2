"""The Python code that builds the same model as a name. No torch."""

from __future__ import annotations

import math
from typing import Any

from vaezoo.registry.entries import HOUSE
from vaezoo.zoo.specs import ModelSpec, PartSpec

WIDTH = 92
"""Largest number of columns of a line."""


def python_of(spec: ModelSpec) -> str:
    """Returns Python code that builds a model and its loss from their parts, with random weights.

    A part that was registered as an object, not by name, is imported from its own module.
    """
    imports: dict[str, str] = {"VAE": "vaezoo.core"}
    calls = {
        slot: _call(slot, part, imports)
        for slot in ("conditioner", "encoder", "prior", "decoder", "refine", "loss")
        if (part := spec.parts[slot]) is not None
    }
    by_module: dict[str, list[str]] = {}
    for bound, module in imports.items():
        module, _, called = module.partition(":")
        by_module.setdefault(module, []).append(f"{called} as {bound}" if called else bound)
    lines: list[str] = []
    for module, names in sorted(by_module.items()):
        line = f"from {module} import {', '.join(sorted(names))}"
        whole = len(line) <= WIDTH
        lines += [line] if whole else [f"from {module} import (", *_rows(sorted(names), "    "), ")"]
    lines += ["", "model = VAE("]
    for slot, call in calls.items():
        if slot != "loss":
            lines += _wrapped(f"    {slot}=", *call)
    lines += [f"    encodes={spec.encodes!r},", f"    default_size={spec.default_size!r},", ")"]
    lines += [line.removesuffix(",") if line[0] != " " else line for line in _wrapped("loss = ", *calls["loss"])]
    return "\n".join(lines)


def _call(slot: str, part: PartSpec, imports: dict[str, str]) -> tuple[str, list[str]]:
    """Returns the name of a part in the code, and its arguments. Records the import.

    Parts of vaezoo take the fields of their configuration as keywords. Others may not, and receive the configuration.
    """
    bound = _import(slot, part.part.target, imports)
    arguments = [f"{key}={_literal(value)}" for key, value in part.arguments.items()]
    if part.config is None or part.part.source.owner.partition(":")[0] == HOUSE:
        return bound, arguments
    return bound, [f"{_import(slot, type(part.config), imports)}({', '.join(arguments)})"]


def _import(slot: str, target: Any, imports: dict[str, str]) -> str:
    """Returns the name of an object in the code, and records where it is imported from."""
    module, _, called = (
        target.partition(":") if isinstance(target, str) else (target.__module__, ":", target.__qualname__)
    )
    bound = called
    if imports.get(called, module) != module:
        bound, module = f"{called}Of{slot.capitalize()}", f"{module}:{called}"
    imports[bound] = module
    return str(bound)


def _wrapped(before: str, called: str, arguments: list[str]) -> list[str]:
    """Returns a call on one line, or with as many arguments per line as fit."""
    whole = f"{before}{called}({', '.join(arguments)}),"
    if len(whole) <= WIDTH:
        return [whole]
    pad = " " * (len(before) - len(before.lstrip()))
    return [f"{before}{called}(", *_rows(arguments, f"{pad}    "), f"{pad}),"]


def _rows(items: list[str], pad: str) -> list[str]:
    """Returns items with a comma after each, as many per line as fit."""
    rows: list[str] = []
    for item in items:
        if rows and len(f"{rows[-1]} {item},") <= WIDTH:
            rows[-1] += f" {item},"
        else:
            rows.append(f"{pad}{item},")
    return rows


def _literal(value: Any) -> str:
    """Returns a value as Python code. Floats without a literal become calls."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    return repr(value)
