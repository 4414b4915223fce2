"""``python -m benchmarks.overhead``: what ``create(…, pretrained=True)`` costs beside the same modules made by hand.

By hand is the Python that ``vaezoo.explain`` prints, then safetensors' ``load_file`` and ``load_state_dict`` of the
same file: no registry, no configuration, no hash, no check. Both in CPU seconds of one thread, alternating: the first
call in a fresh process, with all imports, and repeated calls in one process. Writes
``benchmarks/results/overhead.json`` and its line in ``docs/reliability.md``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchmarks.pages.blocks import between

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "overhead.json"
PAGE = ROOT / "docs" / "reliability.md"
NAME = "conv-beta"
LIMIT = 1.3


def by_hand() -> tuple[str, str]:
    """Returns the equivalent Python of the model, and the path of its weights."""
    from vaezoo import explain
    from vaezoo.host.manager import current_zoo
    from vaezoo.zoo.weights import locate, pick

    path, _ = locate(pick(current_zoo().registry, NAME, None))
    return explain(NAME)["python"], str(path)


def bare(python: Any, path: str) -> Any:
    """Makes the model by hand and loads its weights."""
    from safetensors.torch import load_file

    made: dict[str, Any] = {}
    exec(python, made)  # what `explain` prints
    made["model"].load_state_dict(load_file(path))
    return made["model"].eval()


def created() -> Any:
    """Makes the model as users do."""
    import vaezoo

    return vaezoo.create(NAME, pretrained=True)


def cpu_s(call: Callable[[], Any]) -> float:
    """Returns the CPU seconds of a call."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def first_s(which: str, python: str, path: str) -> float:
    """Returns the CPU seconds of a first call in a fresh process, with its imports."""
    call = "created()" if which == "created" else f"bare({python!r}, {path!r})"
    script = f"from benchmarks.overhead import *; print(cpu_s(lambda: {call}))"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script]
    return float(subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout)


def measure(firsts: int, repeats: int) -> dict[str, Any]:
    """Returns the medians of both ways, and their ratios."""
    import torch

    torch.set_num_threads(1)
    python, path = by_hand()
    first = {"created": [], "bare": []} if firsts else {}
    for _ in range(firsts):
        for which, times in first.items():
            times.append(first_s(which, python, path))
    code = compile(python, "explain", "exec")
    again: dict[str, list[float]] = {"created": [], "bare": []}
    ways: list[tuple[str, Callable[[], Any]]] = [("created", created), ("bare", lambda: bare(code, path))]
    for nth in range(repeats + 3):
        for which, call in ways[:: 1 if nth % 2 else -1]:  # who comes second finds the memory as the first left it
            spent = cpu_s(call)
            if nth >= 3:
                again[which].append(spent)
    found: dict[str, Any] = {"model": NAME, "firsts": firsts, "repeats": repeats}
    for kind, times in (("first", first), ("repeated", again)):
        middle = {which: statistics.median(values) for which, values in times.items()}
        found[kind] = {f"{which}_cpu_ms": round(1000 * value, 2) for which, value in middle.items()}
        found[kind]["ratio"] = round(middle["created"] / middle["bare"], 3)
    return found


def sentence() -> str:
    """Returns the line for the page."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    ratio, first = found["repeated"]["ratio"], found["first"]["ratio"]
    return (
        f'`create("{found["model"]}", pretrained=True)` costs {ratio:.2f} × the CPU time of making the same modules by '
        f"hand and loading the same file with safetensors alone (medians of {found['repeats']} calls), and "
        f"{first:.2f} × in a fresh process with all imports (medians of {found['firsts']}).\n"
    )


def renewed(text: str) -> str:
    """Returns the page with its line as the JSON file has it."""
    return between(text, "overhead", sentence())


@click.command()
@click.option("--firsts", default=7, show_default=True, help="Fresh processes of each kind.")
@click.option("--repeats", default=200, show_default=True, help="Repeated calls of each kind.")
def main(firsts: int, repeats: int) -> None:
    """Measure, and write the line."""
    found = measure(firsts, repeats)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    click.echo(json.dumps(found))
    sys.exit(max(found["first"]["ratio"], found["repeated"]["ratio"]) > LIMIT)


if __name__ == "__main__":
    main()
