"""``vaezoo train``: one recipe, from the first step or from where it stopped."""

from __future__ import annotations

import json as json_format
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli.explained import aligned

if TYPE_CHECKING:
    from vaezoo.train.loop import Run

SUMMARY = "sweep.json"


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run; by default runs/RECIPE.")
@click.option("--resume/--no-resume", default=True, help="Go on from the checkpoint in the folder, if there is one.")
@click.option("--minutes", type=click.FloatRange(min=0), help="Stop with a checkpoint after so many minutes.")
@click.option("--smoke", is_flag=True, help="A few steps only, to see that everything works.")
@click.option(
    "--sweep", "sweeps", multiple=True, metavar="KEY=V1,V2", help="Train once for each value; several: for each choice."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def train(
    recipe: str,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: bool,
    minutes: float | None,
    smoke: bool,
    sweeps: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train a model by RECIPE, the name of one that ships with vaezoo or the path of a YAML file.

    A second call with the same recipe goes on from the checkpoint. Ctrl-C stops after the running step.

    With --sweep, such as --sweep optimizer.lr=1e-3,3e-4 --sweep seed=0,1, every choice is a run in a folder of its own
    under the run's; a table, best first, ends it, and sweep.json keeps it.
    """
    from vaezoo.train.loop import train as run
    from vaezoo.train.recipe import load_recipe, smoke_recipe
    from vaezoo.train.sweep import choices, folder_name, table

    tried = choices(sweeps)
    recipes = [load_recipe(recipe, (*overrides, *choice)) for choice in tried]  # all, before the first one runs
    if smoke:
        recipes = [smoke_recipe(settings) for settings in recipes]
    folder = out or Path("runs") / (Path(recipe).stem + ("-smoke" if smoke else ""))
    results = []
    for choice, settings in zip(tried, recipes, strict=True):
        place = folder / folder_name(choice) if choice else folder
        result = run(settings, place, resume=resume and not smoke, minutes=minutes)
        results.append((choice, result))
        if result.steps < result.total and minutes is None:
            break  # by a signal, which is meant for all of them
    if int(os.environ.get("RANK", "0")) > 0:
        return  # the first process of torchrun speaks for all
    answers = [_answer(choice, result) for choice, result in results]
    if as_json:
        click.echo(json_format.dumps(answers if sweeps else answers[0]))
        return
    for _, result in results:
        click.echo(f"{result.steps} of {result.total} steps done. Weights: {result.weights}")
    if any(result.steps < result.total for _, result in results):
        click.echo("The same command goes on from here.")
    if sweeps:
        rows = table([(choice, result.steps, result.reports) for choice, result in results])
        (folder / SUMMARY).write_text(json_format.dumps(answers, indent=1) + "\n", encoding="utf-8")
        click.echo("\n" + "\n".join(aligned(rows, right=range(len(sweeps), len(rows[0])))))


def _answer(choice: tuple[str, ...], result: Run) -> dict[str, Any]:
    values = {"weights": str(result.weights), "steps": result.steps, "total_steps": result.total}
    return {**({"choice": list(choice)} if choice else {}), **values, "reports": result.reports}
