"""``reproduce``: runs a card's recipe again and measures the result by the card's protocol."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli.listing import columns
from vaezoo.errors import HashMismatch, UnknownName
from vaezoo.release.protocol import Protocol, flat, protocol_of

if TYPE_CHECKING:
    from vaezoo.core import VAE
    from vaezoo.evaluate.agreement import Row
    from vaezoo.registry.cards import Card
    from vaezoo.train.recipe import Stage

SMOKE_IMAGES = 200
"""Number of images for a generative model; for others it is one."""


@click.command("reproduce")
@click.argument("name")
@click.option("--smoke", is_flag=True, help="Quick test with a few steps and images; scores do not count.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the runs. Default: runs/reproduce/NAME.")
@click.option("--minutes", type=click.FloatRange(min=0), help="Time limit in minutes; the next call continues.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def reproduce(name: str, smoke: bool, out: Path | None, minutes: float | None, as_json: bool) -> None:
    """Train the weights NAME again by their recipe, measure them, and compare with the scores of their card.

    The exit code is 0 if all scores are within their tolerances, 4 if one is not, and 1 if the time was too short. Data
    sets are looked for in the folders of $VAEZOO_DATA.
    """
    from vaezoo.host.manager import current_zoo
    from vaezoo.registry.registry import split_name
    from vaezoo.zoo.create import create
    from vaezoo.zoo.info import model_info
    from vaezoo.zoo.weights import pick

    arch, tag = split_name(name)
    task = str(model_info(arch)["task"])
    card = pick(current_zoo().registry, current_zoo().registry.models.get(arch).name, tag)
    stages = stages_of(card)
    protocol = protocol_of(card, task)
    if smoke:
        protocol = replace(protocol, limit=SMOKE_IMAGES if task == "generate" else 1)
    protocol.images(
        create(arch, overrides=stages[-1].settings.overrides)
    )  # missing data are reported before hours of training
    folder = out or Path("runs") / "reproduce" / (card.name + ("-smoke" if smoke else ""))
    weights, steps, total = run(stages, folder, smoke=smoke, minutes=minutes)
    answer: dict[str, Any] = {"name": card.name, "steps": steps, "total_steps": total, "weights": str(weights)}
    if steps < total:
        text = f"{steps} of {total} steps done." + ("" if smoke else " The same command continues from here.")
        click.echo(json.dumps(answer) if as_json else text)
        sys.exit(1)
    model = create(arch, pretrained=weights, overrides=stages[-1].settings.overrides)
    found, source = measured(protocol, model)
    answer |= {"data": source, "measured": found}
    if smoke:
        told = columns([(score, f"{value:.4g}") for score, value in found.items()])
        text = (
            f"The run works. After {steps} steps, on a few images of {source}, which says nothing of the card:\n{told}"
        )
        click.echo(json.dumps(answer, indent=1) if as_json else text)
        return
    from vaezoo.evaluate.agreement import compare

    rows = compare(card.scores, found, card.tolerance)
    holds = all(row.within for row in rows)
    answer |= {"holds": holds, "scores": [_row(row) for row in rows]}
    click.echo(json.dumps(answer, indent=1) if as_json else table(rows))
    sys.exit(0 if holds else HashMismatch.exit_code)


def stages_of(card: Card) -> list[Stage]:
    """Returns the stages that lead to a card's weights. The last is their own; the others come before it.

    Raises:
        UnknownName: The recipe is missing.
        HashMismatch: The recipe differs from the card's. (Stages before the last one are not checked.)
    """
    from vaezoo.train.recipe import load_stages, recipe_hash

    if not card.recipe:
        raise UnknownName(f"The card of {card.name!r} names no recipe.", hint="Ask its author.", value=card.name)
    file = Path(card.recipe)
    stages = load_stages(card.recipe if file.is_file() or not file.suffix else file.stem, stage=card.stage)
    found = recipe_hash(stages[-1].settings)
    if found != card.recipe_sha256:
        raise HashMismatch(
            f"The recipe {card.recipe} has the hash {found}, but the card of {card.name!r} says {card.recipe_sha256}.",
            hint="Take the recipe of the version that the weights came with.",
            value=found,
        )
    return stages


def run(
    stages: Sequence[Stage], folder: Path, *, smoke: bool = False, minutes: float | None = None
) -> tuple[Path, int, int]:
    """Runs stages in order, each from where it stopped. Returns weights, number of steps done, and their total.

    Args:
        stages: Stages, from `stages_of`.
        folder: Folder with a subfolder for each stage.
        smoke: Whether to shorten each stage to a few steps.
        minutes: Limit of wall time for all stages, in minutes.
    """
    from vaezoo.train.chain import train_stages
    from vaezoo.train.recipe import smoke_recipe

    if smoke:
        stages = [replace(stage, settings=smoke_recipe(stage.settings)) for stage in stages]
    ended = train_stages(stages, folder, resume=not smoke, minutes=minutes)
    return ended[-1].weights, sum(one.steps for one in ended), sum(one.total for one in ended)


def measured(protocol: Protocol, model: VAE) -> tuple[dict[str, float], str]:
    """Returns a model's scores, named as on a card, and a description of the data."""
    images, rows = protocol.measure(model)
    return flat(rows), images.source


def table(rows: Sequence[Row]) -> str:
    """Returns the comparison as text, with a line that sums it up."""
    cells = [
        (r.score, f"{r.card:.6g}", "-" if r.now is None else f"{r.now:.6g}", f"{r.tolerance:.3g}", _word(r))
        for r in rows
    ]
    apart = sum(not row.within for row in rows)
    end = (
        f"{apart} of {len(rows)} scores are not within their tolerance."
        if apart
        else "Every score is within its tolerance."
    )
    return columns([("SCORE", "CARD", "NOW", "TOLERANCE", "WITHIN"), *cells]) + "\n" + end


def _word(row: Row) -> str:
    return "yes" if row.within else "NO"


def _row(row: Row) -> dict[str, Any]:
    return {"score": row.score, "card": row.card, "now": row.now, "tolerance": row.tolerance, "within": row.within}
