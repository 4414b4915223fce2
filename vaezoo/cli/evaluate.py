"""``vaezoo eval``: measures a model by its task's protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from vaezoo.cli.listing import columns
from vaezoo.cli.options import trust_code
from vaezoo.errors import ConfigError
from vaezoo.moved import former
from vaezoo.release.protocol import Protocol, measure_metrics, own_protocol

STYLES = ("class", "code", "reference")
OF_METRICS = ("samples", "max_mib", "precision")


@click.command("eval")
@click.argument("name")
@click.option(
    "--data", help="Data set, or folder or zip of pictures. Default: the card's, else fashion-mnist or kodak24."
)
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Safetensors file to load instead of the shipped weights."
)
@click.option("--limit", type=click.IntRange(min=1), help="Number of images, drawn by a fixed seed. Default: all.")
@click.option("--levels", "--sigma", "levels", help="Damage levels, such as 15,25,50. Default: the task's own.")
@click.option("--nll", type=click.IntRange(min=1), help="Number of importance samples of the likelihood's estimate.")
@click.option("--binarise", is_flag=True, help="Binarise gray images first, by a seeded draw.")
@click.option("--seed", default=0, show_default=True, help="Random seed for the latents and for binarisation.")
@click.option("--style", type=click.Choice(STYLES), help="Style in which each image is drawn; the model is told it.")
@click.option(
    "--metrics", help="Names of metrics, such as elbo,nll,mig@1. Default: the task's own. See docs/evaluate.md."
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Number of importance samples of the metric nll.",
)
@click.option("--max-mib", default=512.0, show_default=True, help="Memory limit of the metrics, MiB.")
@click.option(
    "--precision",
    type=click.Choice(("fp32", "bf16")),
    default="fp32",
    help="Precision of the metric nll; bf16 takes less time.",
)
@trust_code
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def evaluate(
    context: click.Context,
    name: str,
    data: str | None,
    weights: Path | None,
    limit: int | None,
    levels: str | None,
    nll: int | None,
    binarise: bool,
    seed: int,
    style: str | None,
    metrics: str | None,
    samples: int,
    max_mib: float,
    precision: str,
    as_json: bool,
) -> None:
    """Measure the model NAME, or one that vaezoo.save wrote into the folder NAME, on a data set's test split.

    Generative models: ELBO, rate and distortion in nats per image. Others: PSNR, SSIM and the calibration of the
    uncertainty, by the protocol of the task. Data sets are looked for in the folders of $VAEZOO_DATA.
    """
    from vaezoo.publish.loading import open_model, task_of

    task = task_of(name)
    _refuse_unused(context, task, metrics)
    protocol = Protocol(task, data, limit, levels, nll or 0, binarise, seed, style or "")
    model = open_model(name, weights)
    own = own_protocol(model, task) if data is None else None
    if own is not None:  # the images that the card's scores are of
        protocol = replace(
            protocol, data=own.data, binarise=binarise or own.binarise, style=protocol.style or own.style
        )
    if metrics is None:
        images, rows = protocol.measure(model)
    else:
        images = protocol.images(model)
        numbers = {"samples": samples, "max_mib": max_mib, "precision": precision}
        names = metrics.split(",")
        rows = [
            measure_metrics(model, images, names, binary=protocol.binarise, seed=seed, style=protocol.style, **numbers)
        ]
    if as_json:
        click.echo(json.dumps({"model": name, "data": images.source, "results": rows}, indent=1))
        return
    click.echo(f"{name} on {images.source}, {len(images.pixels)} images")
    if task != "generate" and metrics is None:
        click.echo(columns([tuple(rows[0]), *(tuple(f"{value:.4g}" for value in row.values()) for row in rows)]))
    else:
        texts = {
            key: f"{value:{'.2f' if metrics is None else '.4g'}}" if isinstance(value, float) else str(value)
            for key, value in rows[0].items()
        }
        click.echo(columns(list(texts.items())))


def _refuse_unused(context: click.Context, task: str, metrics: str | None) -> None:
    """Raises for options that have no effect on what is measured."""
    if metrics is not None:
        unused: tuple[str, ...] = ("levels", "nll") if task == "generate" else ("levels", "nll", "style")
        what = "--metrics"
    elif task == "generate":
        unused, what = ("levels", *OF_METRICS), "the bound of a generative model"
    else:
        unused, what = ("nll", "binarise", "seed", "style", *OF_METRICS), f"the protocol of {task}"
    options = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    for name in unused:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            hint = "Leave it out" + (", or ask for --metrics." if name in OF_METRICS else ".")
            raise ConfigError(f"{options[name]} has no effect on {what}.", hint=hint, value=name)


__getattr__ = partial(former, __name__)
