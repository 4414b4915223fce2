"""Sweeps: one recipe with all combinations of some settings, each as a run in a folder of its own. No torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from vaezoo.errors import ConfigError

_BETWEEN = re.compile(r",(?![^\[{(]*[\]})])")
"""A comma outside brackets."""


def choices(sweeps: Sequence[str]) -> list[tuple[str, ...]]:
    """Lists all combinations, each as overrides. The last key changes fastest.

    Args:
        sweeps: Keys with the values to try, such as ``optimizer.lr=1e-3,3e-4``. A list is one value: ``[a,b],[c]``.

    Raises:
        ConfigError: A key has no value, is named twice, or has a value twice.
    """
    columns: dict[str, list[str]] = {}
    for sweep in sweeps:
        key, sign, listed = sweep.partition("=")
        values = [value.strip() for value in _BETWEEN.split(listed)]
        if not key or not sign or not all(values):
            raise ConfigError(f"A sweep is key=value,value, not {sweep!r}.", value=sweep)
        if key in columns or len(set(values)) < len(values):
            raise ConfigError(f"A sweep names every key and value once, not as in {sweep!r}.", value=sweep)
        columns[key] = values
    return list(product(*([f"{key}={value}" for value in values] for key, values in columns.items())))


def folder_name(choice: Sequence[str]) -> str:
    """Returns the name of a combination's folder."""
    return ",".join(pair.replace("/", "_") for pair in choice)


def table(outcomes: Sequence[tuple[Sequence[str], int, dict[str, float]]]) -> list[tuple[str, ...]]:
    """Returns the header and the rows of the summary, sorted by the last loss.

    Args:
        outcomes: For each run its combination, number of steps and last reports. A validation loss is ``valid.loss``.
    """
    found = {name: None for _, _, reports in outcomes for name in reports}
    first = [name for name in ("valid.loss", "loss") if name in found]
    names = [*first, *(name for name in found if name not in first)]
    order = sorted(outcomes, key=lambda outcome: [outcome[2].get(name, float("inf")) for name in names[:1]])
    keys = [pair.partition("=")[0] for pair in (order[0][0] if order else ())]
    rows = []
    for choice, steps, reports in order:
        values = [pair.partition("=")[2] for pair in choice]
        rows.append((*values, str(steps), *(f"{reports[name]:.5g}" if name in reports else "" for name in names)))
    return [(*keys, "steps", *names), *rows]
