"""The option ``--trust-code`` of commands that read a folder, recipe or setting."""

from __future__ import annotations

from typing import Any, TypeVar

import click

Verb = TypeVar("Verb")


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
