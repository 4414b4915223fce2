"""Options that several commands share: those of a task, paths, and ``--trust-code``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from vaezoo.errors import VaezooError
from vaezoo.host.manager import current_zoo
from vaezoo.registry.options import Option, options_of
from vaezoo.registry.target import load_object
from vaezoo.zoo.info import list_declared

if TYPE_CHECKING:
    from vaezoo.restore.task import Task

Sections = dict[str, list[click.Option]]
Verb = TypeVar("Verb")
_OFFERED = "vaezoo.cli.options"
_GIVEN = "vaezoo.cli.options.given"
_TYPES: dict[str, Any] = {"number": click.FLOAT, "whole number": click.INT, "text": click.STRING}


class FilePath(click.Path):
    """A path. An empty text is not a path, though Python would take it for the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the path."""
        if value == "":
            self.fail("Expected a file or folder, got an empty text; is a variable of the shell unset?", param, ctx)
        return super().convert(value, param, ctx)


FILE = FilePath(path_type=Path, readable=False)


class TaskCommand(click.Command):
    """A command with the options of a task besides its own. The task is that of ``--task``, or of ``--model``.

    Without either, the help lists the tasks and imports none, since tasks import torch. Options of another task are
    parsed too, so that the error can say whose they are.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Returns the command's own parameters, followed by the task's."""
        return [*super().get_params(ctx), *_without_doubles(ctx.meta.get(_OFFERED, {}))]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Finds out the task first, then parses."""
        asked, given = self._asked(ctx, args), list(args)
        if not any(asked.values()) and not set(ctx.help_option_names).isdisjoint(args):
            return super().parse_args(ctx, given)
        chosen = self._sections(_chosen(**asked))
        ctx.meta[_OFFERED] = chosen or self._sections(_all())
        try:
            return super().parse_args(ctx, given)
        except click.NoSuchOption:
            ctx.meta[_OFFERED] = {**chosen, **self._sections(_all())}
            return super().parse_args(ctx, list(args))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the command's own options, then those of the task, or else a list of the tasks."""
        mine = (param for param in super().get_params(ctx) if isinstance(param, click.Option))
        own = [found for param in mine if (found := param.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(own)
        if _OFFERED not in ctx.meta:
            with formatter.section("Tasks"):
                formatter.write_dl([(row["name"], row["summary"]) for row in list_declared("task")])
        for name, offered in ctx.meta.get(_OFFERED, {}).items():
            with formatter.section(f"Options of the task {name}"):
                formatter.write_dl([found for param in offered if (found := param.get_help_record(ctx))])

    def _asked(self, ctx: click.Context, args: list[str]) -> dict[str, str | None]:
        """Returns the values of ``--task`` and ``--model``, whatever else is given."""
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        try:
            values = parser.parse_args(list(args))[0]
        except click.UsageError:  # parsing everything gives a better error
            values = {}
        return {name: values.get(name) for name in ("task", "model")}

    def _sections(self, tasks: dict[str, type[Task]]) -> Sections:
        own = {flag for param in self.params for flag in param.opts}
        found = {name: [_parameter(name, o, own) for o in options_of(cls) if o.kind] for name, cls in tasks.items()}
        return {name: offered for name, offered in found.items() if offered}


def given_options(ctx: click.Context) -> dict[str, Any]:
    """Returns the task options that the user gave, by field name. Reads files.

    Args:
        ctx: Context of a parsed `TaskCommand`.

    Raises:
        VaezooError: A file does not contain what the option needs.
    """
    found = {}
    for option, value in ctx.meta.get(_GIVEN, []):
        read = load_object(option.read, f"What reads {option.flag}") if option.read else None
        found[option.name] = read(value) if read else value
    return found


def _parameter(task: str, option: Option, taken: Iterable[str]) -> click.Option:
    """Makes a command-line option of a field. It is prefixed by the task if the command has one of the same name."""
    flag = option.flag if option.flag not in taken else f"--{task.replace('/', '-')}-{option.flag[2:]}"
    settings: dict[str, Any] = {"help": option.help, "default": None}
    if option.default not in (None, False, True):
        settings["help"] = f"{option.help} Default: {option.default}.".strip()
    if option.kind == "flag":
        settings["is_flag"] = True
        flag += "" if option.default is False else f"/--no-{flag[2:]}"
    elif option.kind == "file":
        settings["type"] = FILE
    else:
        settings["type"] = click.Choice(option.choices) if option.choices else _TYPES[option.kind]

    def keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE:
            ctx.meta.setdefault(_GIVEN, []).append((option, value))

    return click.Option([flag, f"option_{option.name}"], callback=keep, expose_value=False, **settings)


def _without_doubles(sections: Sections) -> list[click.Option]:
    """Returns the options of all sections. Of options with the same name, the first."""
    found: dict[str, click.Option] = {}
    for option in (each for offered in sections.values() for each in offered):
        if not any(set(option.opts) & set(other.opts) for other in found.values()):
            found.setdefault(str(option.name), option)
    return list(found.values())


def _chosen(task: str | None, model: str | None) -> dict[str, type[Task]]:
    """Returns the requested task; empty if it is invalid, which raises when the task is made."""
    from vaezoo.restore.enhanced import purpose
    from vaezoo.restore.task import task_class

    try:
        name = task or purpose(model)
        return {name: task_class(name)}
    except VaezooError:
        return {}


def _all() -> dict[str, type[Task]]:
    if not current_zoo().registry.kinds["task"].entries:
        return {}
    from vaezoo.restore.task import all_tasks

    return all_tasks()


def trust_code(verb: Verb) -> Verb:
    """Adds the option to a command. With it, files and settings may name code to import, ``package.module:name``."""
    wrapped: Verb = click.option(
        "--trust-code",
        is_flag=True,
        expose_value=False,
        callback=_trust,
        help="Permission to import and run what the model's folder, the recipe or a setting names as "
        "package.module:name. Its author then decides what runs on this machine.",
    )(verb)  # type: ignore[type-var]
    return wrapped


def _trust(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value:
        from vaezoo.host.beliefs import trusting_code

        ctx.with_resource(trusting_code())
