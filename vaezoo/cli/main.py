"""The ``vaezoo`` command: finds its subcommands, and prints named errors in one line with a stable exit code."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from vaezoo import __version__
from vaezoo.cli.guests import guest, guests
from vaezoo.errors import ConfigError, VaezooError, suggest, words_of

VERBS = {
    "enhance": ("enhance", "Enhance photos, by denoising or another task."),
    "list": ("listing", "List models, tasks, parts and other things of the zoo."),
    "info": ("listing", "Show a model with its weights' cards, or another thing as KIND/NAME."),
    "explain": ("listing", "Show all settings of a model, each with its origin."),
    "train": ("train", "Train a model by a recipe."),
    "fit-prior": ("fit", "Fit a prior to a trained model's latents."),
    "eval": ("evaluate", "Measure a model on a data set."),
    "sample": ("pictures", "Draw a grid of samples."),
    "reconstruct": ("pictures", "Draw a grid of reconstructions."),
    "traverse": ("latents", "Draw the effect of each latent."),
    "interpolate": ("latents", "Draw interpolations between images."),
    "latents": ("latents", "Draw a map of latents, coloured by label."),
    "verify": ("trust", "Check weights against their cards."),
    "reproduce": ("reproduce", "Train weights again by their recipe, and compare the scores."),
    "card": ("card", "Add a run's weights, with a card, to a plugin."),
    "calibrate": ("card", "Fit the calibration of weights, for their card."),
    "publish": ("publish", "Publish weights with card and README, to a folder or the hub."),
    "lock": ("lock", "Write a lock file, which pins models, or check it."),
    "schema": ("trust", "Print the JSON Schema of registry files."),
    "fetch": ("cache", "Download weights, for offline use."),
    "cache": ("cache", "Manage downloaded weights: ls, path, prune, seed."),
    "plugins": ("plugins", "List, show, check and create plugins."),
    "doctor": ("trust", "Check the installation."),
}

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EBADF)
"""Numbers of the errors of a stream that cannot be written."""


class _Verbs(click.Group):
    """A group whose commands are imported when called: vaezoo's own, then those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of the commands, in the order of the documentation."""
        return [*VERBS, *guests(VERBS)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Returns a command."""
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
        """Finds the command, or suggests a similar one."""
        if args and args[0] not in VERBS and not args[0].startswith("-") and guest(args[0]) is None:
            raise click.UsageError(f"No verb {args[0]!r}. {suggest(args[0], [*VERBS, *guests(VERBS)])}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands, without importing them."""
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
    """Runs the command line. A named error is printed in one line on stderr and gives its exit code."""
    warnings.showwarning = _one_line  # type: ignore[assignment]
    if args is None and "--json" in sys.argv and sys.argv[1] in VERBS:
        _keep_stdout_for_the_answer()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            # a code page that lacks a letter prints ? instead of raising
            stream.reconfigure(errors="replace")
    try:
        _check_folder()
        return _group(args, prog_name="vaezoo")
    except VaezooError as error:
        _tell(f"vaezoo: {words_of(error)}")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        if args is None:
            _drop_what_is_left()
        _tell(f"vaezoo: The output cannot be written: {error.strerror}. Free some space, or send it elsewhere.")
        sys.exit(1)


def _check_folder() -> None:
    """Raises if the working folder was removed. Paths mean nothing then, and torch ends the process."""
    try:
        os.getcwd()
    except OSError as error:
        message = f"Expected a working folder that exists, got one that was removed: {error.strerror}."
        raise ConfigError(message, hint="Change to another folder.", value=os.environ.get("PWD")) from error


def _keep_stdout_for_the_answer() -> None:
    """Sends what others write to file descriptor 1 to stderr, until the process ends. So JSON stays JSON."""
    if sys.stdout is None:
        return
    with suppress(OSError):  # one of the two is closed
        own = os.dup(1)
        os.dup2(2, 1)
        sys.stdout = open(own, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)  # noqa: SIM115


def _drop_what_is_left() -> None:
    """Drops what stdout holds, which Python would write at exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _tell(text: str) -> None:
    """Writes a line to stderr, if that can be written."""
    with suppress(OSError, ValueError):  # a full disk, or somebody closed it
        click.echo(text, err=True)


def _one_line(message: Any, category: type, *rest: Any) -> None:
    """Writes a warning in one line."""
    text = str(message)
    _tell(text if text.startswith("vaezoo: ") else f"vaezoo: warning: {text}")
