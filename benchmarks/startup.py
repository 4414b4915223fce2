"""``python -m benchmarks.startup``: what a first look at the zoo costs with ten strangers, two of them broken.

Each stranger is a distribution in a folder on PYTHONPATH, with four models and a part. Processor time of fresh
processes, from their start; the median of some.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks.pages.blocks import between

FILE = Path(__file__).with_name("results") / "startup.json"
PAGE = Path(__file__).parents[1] / "docs" / "hooks.md"
BUDGETS = {"import vaezoo": 0.15, "vaezoo list": 0.35}
STRANGERS, BROKEN = 10, 2

PLUGIN = """
from pathlib import Path
from vaezoo import hookimpl

VAEZOO_API = 1


@hookimpl
def vaezoo_registry_files():
    return [Path(__file__).with_name("registry.yaml")]
"""
REGISTRY = """
parts:
  encoder:
    stranger-{number}:
      target: "vaezoo_mlp.networks:DenseEncoder"
      config: "vaezoo_mlp.facts:DenseEncoderConfig"
      summary: Dense layers.
models:
"""
MODEL = """
  stranger-{number}-{size}:
    summary: A model of a stranger.
    differs: It is only here to be listed.
    shared: {{image_channels: 1, image_size: [28, 28], latent_channels: {size}}}
    encoder: {{name: stranger-{number}, hidden: [512, 256]}}
    prior: {{name: normal}}
    decoder: {{name: mlp, hidden: [256, 512], likelihood: bernoulli}}
    loss: {{name: elbo}}
"""
FAULTS = ("raise RuntimeError('broken')", "from vaezoo import hookimpl\n@hookimpl\ndef vaezoo_regsitry(): return []")


def write_strangers(site: Path) -> None:
    """Writes the distributions, the last ones broken."""
    for number in range(STRANGERS):
        package = site / f"stranger_{number}"
        package.mkdir()
        fault = number - (STRANGERS - BROKEN)
        (package / "__init__.py").touch()
        (package / "plugin.py").write_text(PLUGIN if fault < 0 else FAULTS[fault])
        models = "".join(MODEL.format(number=number, size=size) for size in (2, 4, 8, 16))
        (package / "registry.yaml").write_text(REGISTRY.format(number=number) + models)
        info = site / f"stranger_{number}-1.0.dist-info"
        info.mkdir()
        needs = "Requires-Dist: vaezoo>=0.1\nRequires-Dist: torch>=2.6\n"
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: stranger-{number}\nVersion: 1.0\n{needs}")
        (info / "entry_points.txt").write_text(f"[vaezoo.plugins]\nstranger-{number} = stranger_{number}.plugin\n")


MEASURED = {
    "import vaezoo": "import vaezoo",
    "vaezoo list": "from vaezoo.cli.main import main\ntry: main(['list'])\nexcept SystemExit: pass",
}
SCRIPT = """
import sys, time
{statement}
spent = time.process_time()  # since the process began
heavy = [name for name in ("torch", "timm", "torchvision", "PIL") if name in sys.modules]
import json
print("\\n" + json.dumps([spent, heavy]))
"""


def measure(site: Path, statement: str) -> tuple[float, list[str], str]:
    """Returns processor seconds, heavy packages that were imported, and what was printed."""
    script = SCRIPT.format(statement=statement)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    spent, heavy = json.loads(done.stdout.rpartition("\n[")[2].join(["[", ""]))
    return spent, heavy, done.stdout + done.stderr


def measured(repeats: int) -> dict[str, Any]:
    """Returns the medians, under whose budgets, and what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        write_strangers(Path(folder))
        rows = []
        for name, statement in MEASURED.items():
            measure(Path(folder), statement)  # compiles
            runs = [measure(Path(folder), statement) for _ in range(repeats)]
            heavy = sorted({module for _, modules, _ in runs for module in modules})
            spent = [seconds for seconds, _, _ in runs]
            rows.append({"what": name, "cpu_s": round(median(spent), 3), "least_cpu_s": round(min(spent), 3)})
            rows[-1] |= {"budget_cpu_s": BUDGETS[name], "heavy": heavy}
    return {"strangers": STRANGERS, "broken": BROKEN, "repeats": repeats, "rows": rows}


def table(results: dict[str, Any]) -> str:
    """Returns the results in Markdown."""
    lines = ["| what | median, CPU-s | least, CPU-s | budget, CPU-s |", "|---|---|---|---|"]
    lines += [
        f"| `{row['what']}` | {row['cpu_s']:.3f} | {row['least_cpu_s']:.3f} | {row['budget_cpu_s']} |"
        for row in results["rows"]
    ]
    return "\n".join(lines) + "\n"


def renewed(text: str) -> str:
    """Returns a page with the table of the results that are kept."""
    return between(text, "startup", table(json.loads(FILE.read_text(encoding="utf-8"))))


@click.command()
@click.option("--repeats", default=11, help="Processes for each.")
def main(repeats: int) -> None:
    """Measure, write the results and the table; 1 if a budget is exceeded."""
    results = measured(repeats)
    FILE.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    click.echo(table(results))
    sys.exit(any(row["cpu_s"] > row["budget_cpu_s"] or row["heavy"] for row in results["rows"]))


if __name__ == "__main__":
    main()
