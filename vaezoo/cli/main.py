"""The ``vaezoo`` command: finds verbs, and turns named errors into one line and a stable exit code."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from vaezoo import __version__
from vaezoo.cli.guests import guest, guests
from vaezoo.errors import VaezooError, suggest

VERBS = {
    "enhance": ("enhance", "Enhance photos: denoise them, and say how sure it is."),
    "list": ("listing", "List models, tasks, parts and all else that the zoo has."),
    "info": ("listing", "Show a model and its weights' cards, or something else as KIND/NAME."),
    "explain": ("listing", "Show a composed model, every value with its origin."),
    "train": ("train", "Train a model by a recipe."),
    "fit-prior": ("fit", "Fit a prior to a trained model's latents, and write a new model."),
    "eval": ("evaluate", "Measure a model on a data set."),
    "sample": ("pictures", "Draw a grid of samples."),
    "reconstruct": ("pictures", "Draw a grid of reconstructions."),
    "traverse": ("latents", "Draw what each latent changes."),
    "interpolate": ("latents", "Draw the way from one picture to another."),
    "latents": ("latents", "Draw where images lie in the latents, coloured by label."),
    "verify": ("trust", "Check weights against their cards."),
    "reproduce": ("reproduce", "Run a card's recipe again, and compare the scores."),
    "card": ("card", "Put a run's weights and their card into a plugin."),
    "calibrate": ("card", "Fit the calibration of weights, and write it on their card."),
    "publish": ("publish", "Write weights, card and README into a folder or to the hub."),
    "lock": ("lock", "Write down what models are now, so that create can hold to it."),
    "schema": ("trust", "Print the JSON Schema of registry files."),
    "fetch": ("cache", "Fetch weights, to have them when offline."),
    "cache": ("cache", "Look after fetched weights: ls, path, prune, seed."),
    "plugins": ("plugins", "List plugins, and why one does not load."),
    "doctor": ("trust", "Check this installation."),
}


class _Verbs(click.Group):
    """A group whose verbs are imported when called: ours, then those that plugins bring, which are looked for last."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the verbs in the order they are documented."""
        return [*VERBS, *guests(VERBS)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Returns a verb."""
        if name in VERBS:
            module = import_module(f"vaezoo.cli.{VERBS[name][0]}")
            ours: click.Command = getattr(
                module, "list_" if name == "list" else name.replace("eval", "evaluate").replace("-", "_")
            )
            return ours
        return guest(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the verb, or says which one may have been meant."""
        if args and args[0] not in VERBS and not args[0].startswith("-") and guest(args[0]) is None:
            raise click.UsageError(f"No verb {args[0]!r}. {suggest(args[0], [*VERBS, *guests(VERBS)])}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])
        if found := guests(VERBS):
            with formatter.section("Verbs of plugins"):
                formatter.write_dl(list(found.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vaezoo")
def _group() -> None:
    """A model zoo of variational autoencoders for image enhancement.

    Exit codes: 0 ok, 1 an input could not be handled, 2 usage or configuration, 3 unknown name, 4 integrity of
    weights, 5 network, 6 offline, 7 plugin.
    """


def main(args: list[str] | None = None) -> Any:
    """Runs the command line; named errors become one line on stderr and their exit code."""
    warnings.showwarning = _one_line  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            # a code page without some letter gets ? for it, not a traceback
            stream.reconfigure(errors="replace")
    try:
        return _group(args, prog_name="vaezoo")
    except VaezooError as error:
        click.echo(f"vaezoo: {' '.join(str(error).split())}", err=True)
        sys.exit(error.exit_code)


def _one_line(message: Any, category: type, *rest: Any) -> None:
    """Writes a warning as one line."""
    text = str(message)
    click.echo(text if text.startswith("vaezoo: ") else f"vaezoo: warning: {text}", err=True)
