"""``vaezoo train``: trains by a recipe, from the first step or from where it stopped."""

from __future__ import annotations

import json as json_format
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli.explained import aligned
from vaezoo.cli.options import trust_code
from vaezoo.files.atomic import write_whole

if TYPE_CHECKING:
    from vaezoo.train.loop import Run
    from vaezoo.train.recipe import Stage

SUMMARY = "sweep.json"


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--stage", metavar="NAME", help="Name of the only stage to run. Default: all stages of the recipe.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run. Default: runs/RECIPE.")
@click.option("--resume/--no-resume", default=True, help="Continue from the checkpoint in the folder, if there is one.")
@click.option("--minutes", type=click.FloatRange(min=0), help="Time limit in minutes; the run stops with a checkpoint.")
@click.option("--smoke", is_flag=True, help="Quick test with a few steps only.")
@click.option(
    "--sweep", "sweeps", multiple=True, metavar="KEY=V1,V2", help="Values to try, one run each; repeat to combine."
)
@trust_code
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def train(
    recipe: str,
    overrides: tuple[str, ...],
    stage: str | None,
    out: Path | None,
    resume: bool,
    minutes: float | None,
    smoke: bool,
    sweeps: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train a model by RECIPE: a recipe that ships with vaezoo or with a plugin, given by name, or a YAML file.

    A second call with the same recipe continues from the checkpoint. Ctrl-C stops after the present step.

    The stages of a recipe run in order, each from the weights of the one before, in its own folder. Settings on the
    command line apply to all stages. With --stage NAME, only that stage runs, from the weights of the stage before in
    the same --out, or from those of warm_start=FILE.

    With --sweep, such as --sweep optimizer.lr=1e-3,3e-4 --sweep seed=0,1, every combination is a run in its own
    subfolder. A table of the results, the best first, is printed and kept in sweep.json.
    """
    from vaezoo.train.chain import train_stages
    from vaezoo.train.sweep import choices, folder_name, table

    tried = choices(sweeps)
    plans = [_plan(recipe, stage, (*overrides, *choice), smoke) for choice in tried]  # all, before the first one runs
    folder = out or Path("runs") / (Path(recipe).stem + ("-smoke" if smoke else ""))
    outcomes: list[list[tuple[Stage, Run]]] = []
    for choice, (stages, before) in zip(tried, plans, strict=True):
        place = folder / folder_name(choice) if choice else folder
        ended = train_stages(stages, place, before=before, resume=resume and not smoke, minutes=minutes)
        outcomes.append(list(zip(stages, ended, strict=False)))
        if _stopped(ended[-1]) and minutes is None:
            break  # stopped by a signal, which is meant for all runs
    if int(os.environ.get("RANK", "0")) > 0:
        return  # the first process of torchrun prints for all
    answers = [_answer(choice, runs) for choice, runs in zip(tried, outcomes, strict=False)]
    if as_json:
        click.echo(json_format.dumps(answers if sweeps else answers[0]))
        return
    for one, run in (pair for runs in outcomes for pair in runs):
        told = f"Stage {one.place}: " if one.place else ""
        click.echo(f"{told}{run.steps} of {run.total} steps done. Weights: {run.weights}")
    if any(_stopped(runs[-1][1]) for runs in outcomes):
        click.echo("The same command continues from here.")
    if sweeps:
        last = [(choice, runs[-1][1]) for choice, runs in zip(tried, outcomes, strict=False)]
        rows = table([(choice, run.steps, run.reports) for choice, run in last])
        write_whole(folder / SUMMARY, (json_format.dumps(answers, indent=1) + "\n").encode())
        click.echo("\n" + "\n".join(aligned(rows, right=range(len(sweeps), len(rows[0])))))


def _plan(recipe: str, stage: str | None, overrides: Sequence[str], smoke: bool) -> tuple[list[Stage], Stage | None]:
    """Returns the stages to run, and the stage before them, whose weights must exist."""
    from vaezoo.train.recipe import load_stage, load_stages, smoke_recipe

    if stage is None:
        stages, before = load_stages(recipe, overrides), None
    else:
        one, before = load_stage(recipe, stage, overrides)
        stages = [one]
    if smoke:
        stages = [replace(one, settings=smoke_recipe(one.settings)) for one in stages]
    return stages, before


def _stopped(run: Run) -> bool:
    return run.steps < run.total


def _answer(choice: tuple[str, ...], runs: Sequence[tuple[Stage, Run]]) -> dict[str, Any]:
    """Returns the last run as plain values. With stages, it also has those of each stage."""
    answer: dict[str, Any] = {"choice": list(choice)} if choice else {}
    answer |= _values(runs[-1][1])
    if any(stage.place for stage, _ in runs):
        answer["stages"] = {stage.place: _values(run) for stage, run in runs}
    return answer


def _values(run: Run) -> dict[str, Any]:
    return {"weights": str(run.weights), "steps": run.steps, "total_steps": run.total, "reports": run.reports}
