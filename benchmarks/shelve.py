"""``python -m benchmarks.shelve RUN --tag TAG --package PACKAGE``: puts trained weights on the shelf.

Copies a run's averaged weights into a plugin's package, in half precision where that is asked for, measures them, and
writes their card into ``registry.yaml``. Needs the test set in ``$VAEZOO_DATA``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import click
import yaml

ROOT = Path(__file__).parents[1]
SHELF = ROOT / "registry.yaml"
HEADER = "\n# Written by python -m benchmarks.shelve; not by hand.\n"


def read_cards() -> tuple[str, dict[str, Any]]:
    """Returns registry.yaml up to its cards, and the cards."""
    text = SHELF.read_text(encoding="utf-8")
    head, _, tail = text.partition(HEADER)
    cards: dict[str, Any] = (yaml.safe_load(tail) or {}).get("weights", {}) if tail else {}
    return head, cards


def write_card(name: str, card: dict[str, Any]) -> None:
    """Writes one card into registry.yaml, in the order of names; the rest stays as it is."""
    head, cards = read_cards()
    cards[name] = card
    body = yaml.safe_dump({"weights": dict(sorted(cards.items()))}, sort_keys=False, allow_unicode=True, width=110)
    SHELF.write_text(head + HEADER + body, encoding="utf-8")


def save_weights(run: Path, path: Path, *, half: bool) -> None:
    """Writes a run's averaged weights, floating point tensors in half precision where asked."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(run / "ema.safetensors")
    if half:
        tensors = {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}
    path.parent.mkdir(exist_ok=True)
    save_file(tensors, path)


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--tag", required=True, help="The weights are named MODEL.TAG.")
@click.option("--package", required=True, help="The plugin's package that ships them, such as vaezoo_conv.")
@click.option("--licence", default="CC0-1.0", show_default=True)
@click.option("--recipe", default="", help="By default the model's name.")
@click.option("--stage", default="", help="Stage of the recipe that the run is; by default the last one.")
@click.option("--half/--full", default=False, help="Store in half precision.")
@click.option("--command", "how", default="", help="What trained it; by default vaezoo train MODEL.")
@click.option(
    "--nll", default=100, show_default=True, help="Samples of a likelihood of binary pixels; 0: the bound alone."
)
@click.option("--notes", default="")
def main(
    run: Path, tag: str, package: str, licence: str, recipe: str, stage: str, half: bool, how: str, nll: int, notes: str
) -> None:
    """Put a run's weights on the shelf."""
    from vaezoo.zoo.create import create
    from vaezoo.zoo.probe import probe

    from .scores import scores_of

    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    model = record["model"]
    name = f"{model}.{tag}"
    path = ROOT / "plugins" / package / "weights" / f"{name}.safetensors"
    save_weights(run, path, half=half)
    content = path.read_bytes()
    loaded = create(model, pretrained=path)
    scores, protocol, evaluation = scores_of(loaded, record["recipe"]["data"], nll)
    write_card(
        name,
        {
            "urls": [f"pkg://{package}/weights/{path.name}"],
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "licence": licence,
            "data": record["data"],
            "recipe": f"recipes/{recipe or model}.yaml",
            **({"stage": stage} if stage else {}),
            "recipe_sha256": record["recipe_sha256"],
            "command": how or f"vaezoo train {recipe or model}",
            "seed": record["recipe"]["seed"],
            "steps": record["steps"],
            "hardware": f"{record['hardware']}, no GPU; processes: {record['processes']}",
            "cpu_hours": round(record["cpu_seconds"] * record["processes"] / 3600, 2),
            "scores": scores,
            "protocol": protocol,
            "evaluation": evaluation,
            "probe": list(probe(loaded)),
            **({"notes": notes} if notes else {}),
        },
    )
    click.echo(f"{name}: {len(content) / 2**20:.2f} MiB, {scores}")


if __name__ == "__main__":
    main()
