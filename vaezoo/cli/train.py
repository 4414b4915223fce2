"""``vaezoo train``: one recipe, from the first step or from where it stopped."""

from __future__ import annotations

import json as json_format
from pathlib import Path

import click


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run; by default runs/RECIPE.")
@click.option("--resume/--no-resume", default=True, help="Go on from the checkpoint in the folder, if there is one.")
@click.option("--minutes", type=float, help="Stop with a checkpoint after so many minutes.")
@click.option("--smoke", is_flag=True, help="A few steps only, to see that everything works.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def train(
    recipe: str,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: bool,
    minutes: float | None,
    smoke: bool,
    as_json: bool,
) -> None:
    """Train a model by RECIPE, the name of one that ships with vaezoo or the path of a YAML file.

    A second call with the same recipe goes on from the checkpoint. Ctrl-C stops after the running step.
    """
    from vaezoo.train.loop import train as run
    from vaezoo.train.recipe import load_recipe, smoke_recipe

    settings = load_recipe(recipe, overrides)
    if smoke:
        settings = smoke_recipe(settings)
    folder = out or Path("runs") / (Path(recipe).stem + ("-smoke" if smoke else ""))
    result = run(settings, folder, resume=resume and not smoke, minutes=minutes)
    if as_json:
        values = {"weights": str(result.weights), "steps": result.steps, "total_steps": result.total}
        click.echo(json_format.dumps({**values, "reports": result.reports}))
        return
    click.echo(f"{result.steps} of {result.total} steps done. Weights: {result.weights}")
    if result.steps < result.total:
        click.echo("The same command goes on from here.")
