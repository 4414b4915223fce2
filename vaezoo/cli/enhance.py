"""``vaezoo enhance``: enhances images and folders of images."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli.options import FILE, TaskCommand, given_options, trust_code
from vaezoo.errors import ConfigError, VaezooError

if TYPE_CHECKING:
    from vaezoo.restore import Restorer
    from vaezoo.restore.batch import Job
    from vaezoo.restore.task import Task


@click.command(cls=TaskCommand)
@click.argument("inputs", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", type=FILE, help="Path of the result; a folder for several inputs.")
@click.option("--task", metavar="NAME", help="Name of the task. Default: the model's own, or denoise.")
@click.option("--model", help="Name of the model, or folder of a saved one. Default: the task's own.")
@click.option("--weights-tag", help="Tag of the weights, such as open for denoise.open. Default: the model's own.")
@click.option("--weights", type=FILE, help="Safetensors file to load instead of the shipped weights.")
@trust_code
@click.option("--figure", is_flag=True, help="Draw a figure too: before, after and uncertainty.")
@click.option("--uncertainty", is_flag=True, help="Write sd and 90 % interval: NAME.uncertainty.npz and .png.")
@click.option("--tile", type=click.IntRange(min=1), help="Largest side of a tile in pixels, to save memory.")
@click.option("--strength", type=click.FloatRange(0, 3), default=1.0, help="Strength; 0 changes nothing. Default: 1.")
@click.option("--detail", type=click.FloatRange(0, 1), default=0.0, help="Amount of likely texture to add. Default: 0.")
@click.option("--seed", type=int, default=0, help="Random seed of the detail.")
@click.option("--self-ensemble", is_flag=True, help="Mean over 8 turned and mirrored views: better, 8 times slower.")
@click.option("--precision", type=click.Choice(("fp32", "bf16")), default="fp32", help="Precision; bf16 may be faster.")
@click.option("--device", help="Device, such as cpu or cuda:0. Default: a GPU if there is one.")
@click.option("--overwrite", is_flag=True, help="Replace existing results. Inputs are never replaced.")
@click.option("--skip-existing", is_flag=True, help="Skip inputs whose result exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", is_flag=True, help="Print failures only.")
@click.pass_context
def enhance(
    context: click.Context,
    inputs: tuple[Path, ...],
    output: Path | None,
    task: str | None,
    model: str | None,
    weights_tag: str | None,
    weights: Path | None,
    figure: bool,
    uncertainty: bool,
    tile: int | None,
    strength: float,
    detail: float,
    seed: int,
    self_ensemble: bool,
    precision: str,
    device: str | None,
    overwrite: bool,
    skip_existing: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Enhance INPUTS: images, or folders of images.

    Without -o, each result is written beside its input as NAME.enhanced.EXT. Bit depth, alpha, colour profile, EXIF and
    XMP are kept, and the texts of a PNG. --uncertainty writes float32 arrays sd, lower and upper, in units of the pixel
    value in [0, 1], and an image of the sd with a scale. docs/uncertainty.md explains the interval.

    vaezoo list --kind tasks lists the tasks. vaezoo enhance --task NAME --help shows the options of a task.
    """
    from vaezoo.files.atomic import sweep
    from vaezoo.restore.batch import plan

    jobs: list[Job] = []
    try:
        also = {"figure": figure, "uncertainty": uncertainty}
        jobs = plan(inputs, output, **also)
        for job in jobs:
            job.check(overwrite=overwrite, skip_existing=skip_existing, **also)
        pending = [job for job in jobs if job.status == "pending"]
        chosen = _task(task, model, given_options(context))
        if uncertainty and not chosen.states:
            message = f"The task {chosen.name!r} states no uncertainty."
            raise ConfigError(message, hint="Leave --uncertainty out.", value=chosen.name)
        settings = {"tile": tile, "device": device, "detail": detail, "seed": seed}
        settings |= {"self_ensemble": self_ensemble, "precision": precision}
        settings["chosen"] = bool(model or weights_tag or weights)
        named = _tagged(model or chosen.model, weights_tag, weights)
        restorer = _restorer(named, weights, settings) if pending else None
    except VaezooError as error:  # before any image was touched
        if as_json:
            told = {"images": [job.report() for job in jobs], "error": error.code, "message": str(error)}
            click.echo(json.dumps(told, indent=2))
        raise
    if restorer is not None:
        for folder in {job.target.parent for job in pending}:
            sweep(folder)
        with _in_order(), _progress(len(pending), hidden=quiet) as progress:
            for job in pending:
                job.run(restorer, task=chosen, strength=strength, progress=progress, **also)
                if job.status == "written" and not (quiet or as_json):
                    click.echo(_sentence(job))
    if as_json:
        click.echo(json.dumps({"images": [job.report() for job in jobs]}, indent=2))
    elif not quiet and (skipped := sum(job.status == "skipped" for job in jobs)):
        click.echo(f"{skipped} skipped: the result exists already.")
    _report_failures(context, jobs)


def _task(name: str | None, model: str | None, options: dict[str, Any]) -> Task:
    from vaezoo.restore.enhanced import choose_task

    return choose_task(name, model, **options)


def _tagged(model: str, tag: str | None, weights: Path | None) -> str:
    """Returns the name of a model with the tag of its weights.

    Raises:
        ConfigError: Weights are also given in another way, or the model is a folder, which has its own.
    """
    from vaezoo.publish.loading import folder_of
    from vaezoo.registry.registry import split_name

    if tag is None:
        return model
    if weights is not None or folder_of(model) or split_name(model)[1]:
        other = weights or model
        message = f"Expected one choice of weights, got the tag {tag!r} and {str(other)!r}."
        raise ConfigError(message, hint="Leave --weights-tag out, or name the model alone.", value=tag)
    return f"{model}.{tag}"


def _restorer(model: str, weights: Path | None, settings: dict[str, Any]) -> Restorer:
    from vaezoo.restore import Restorer, load_model

    return Restorer(load_model(model, weights), **settings)


def _sentence(job: Job) -> str:
    sure = job.facts.get("uncertainty")
    told = "" if sure is None else f", uncertainty {255 * sure:.1f} of 255 grey levels"
    told += ", uncertainty not calibrated for this picture" if "not_calibrated" in job.facts else ""
    if "noise_levels" in job.facts:
        removed = f", removed {job.facts['removed_levels']:.1f}" if "removed_levels" in job.facts else ""
        told += f", noise about {job.facts['noise_levels']:.1f}{removed}"
    if "outside_percent" in job.facts:
        told += f", {job.facts['outside_percent']:.2f} % of what the file says was off, and projected"
    sentence = f"{job.source} -> {job.target} ({job.facts['seconds']:.1f} s{told})"
    if interval := job.facts.get("interval"):
        uncalibrated = "" if interval["method"] == "conformal" else ", Gaussian: these weights have no calibration"
        if reason := job.facts.get("not_calibrated"):
            uncalibrated = f", Gaussian and too narrow: {reason}"
        sentence += f"\n  sd and {interval['level']} % interval: {job.numbers}, {job.map.name}{uncalibrated}"
    return sentence


def _report_failures(context: click.Context, jobs: Sequence[Job]) -> None:
    """Raises the error of a single job. For several, lists the errors and exits with the code of the first."""
    failures = [(job.source, job.error) for job in jobs if job.error is not None]
    if not failures:
        return
    if len(jobs) == 1:
        raise failures[0][1]
    for source, error in failures:
        click.echo(f"{source}: {error}", err=True)
    click.echo(f"{len(failures)} of {len(jobs)} failed.", err=True)
    context.exit(failures[0][1].exit_code)


@contextmanager
def _in_order() -> Iterator[None]:
    """Makes SIGTERM end the work like Ctrl-C, so that no partial result stays."""
    if threading.current_thread() is not threading.main_thread():  # Python handles signals in the main thread only
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(jobs: int, hidden: bool) -> Iterator[Callable[[int, int], None]]:
    """Shows a progress bar on stderr after a second. Yields the callback that receives a job's finished tiles."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    hidden = hidden or not console.is_terminal
    bar = Progress(
        console=console, transient=True, disable=hidden, redirect_stdout=bool(sys.stdout and sys.stdout.isatty())
    )
    task = bar.add_task("enhancing", total=jobs)
    timer = threading.Timer(1.0, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda _, tiles: bar.update(task, advance=1 / tiles)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
